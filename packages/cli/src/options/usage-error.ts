/** An error that the user can fix: its message is printed as it is, without a stack. */
export class UsageError extends Error {}
