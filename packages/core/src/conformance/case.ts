/** One test case; `run` throws when it fails. */
export interface ConformanceCase {
  readonly name: string;
  run(): void | Promise<void>;
}

/** @throws {Error} with the message when the condition does not hold. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}
