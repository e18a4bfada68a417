/** An assertion that costs next to nothing while it holds: there are many millions of them. */
export function must(holds: boolean, what: string, taskId?: string): asserts holds {
  if (!holds)
    throw new Error(`It must be that ${what}${taskId === undefined ? '' : ` (${taskId})`}`);
}
