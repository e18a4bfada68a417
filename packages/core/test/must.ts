/** An assertion that is cheap while it holds: the property tests evaluate many millions. */
export function must(holds: boolean, what: string, taskId?: string): asserts holds {
  if (!holds)
    throw new Error(`It must be that ${what}${taskId === undefined ? '' : ` (${taskId})`}`);
}
