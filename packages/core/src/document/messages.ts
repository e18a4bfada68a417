/** An error message that distinguishes a missing value from a wrong one. */
export function needs(what: string) {
  return {
    error: (issue: { input: unknown }) =>
      issue.input === undefined ? `is missing; it must be ${what}` : `must be ${what}`,
  };
}
