/** An invalid pattern; the message names the problem and the supported syntax. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
  /** The position of the problem in the pattern, from 0, in UTF-16 units. */
  readonly position: number;

  constructor(message: string, position: number) {
    super(`${message} (at position ${position} of the pattern)`);
    this.position = position;
  }
}

export function fail(message: string, position: number): never {
  throw new PatternError(message, position);
}
