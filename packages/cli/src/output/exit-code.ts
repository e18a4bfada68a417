/** The exit codes of the command; scripts rely on them. */
export const EXIT = {
  completed: 0,
  failed: 1,
  usage: 2,
  interrupted: 130,
  terminated: 143,
} as const;
