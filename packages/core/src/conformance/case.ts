/** One thing to prove; `run` throws when it does not hold. */
export interface ConformanceCase {
  readonly name: string;
  run(): void | Promise<void>;
}

/** @throws {Error} with the message when the condition does not hold. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}
