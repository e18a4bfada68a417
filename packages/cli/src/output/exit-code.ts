/** What the command's exit code means; scripts rely on it. */
export const EXIT = {
  completed: 0,
  failed: 1,
  usage: 2,
  interrupted: 130,
  terminated: 143,
} as const;

/** Something the user can mend: its message is printed as it is, without a stack. */
export class UsageError extends Error {}
