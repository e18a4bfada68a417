import type { RunContext } from '../contract/run-context.js';

/**
 * Joins the text that arrives together to one part of the output. Servers write a piece for each token or
 * two; a busy process reads many at once, and an event for each would cost more than the request.
 */
export class JoinedText {
  readonly #emit: RunContext['emit'];
  #text = '';

  constructor(emit: RunContext['emit']) {
    this.#emit = emit;
  }

  /** Keeps text for the next `flush`. Emits other parts at once, after the text before them. */
  readonly emit: RunContext['emit'] = (part) => {
    if (typeof part === 'string') {
      this.#text += part;
      return undefined;
    }
    const behind = this.flush();
    return behind === undefined ? this.#emit(part) : behind.then(() => this.#emit(part));
  };

  /** @returns A promise while the reader of the text is behind. */
  flush(): Promise<void> | undefined {
    if (this.#text === '') return undefined;
    const text = this.#text;
    this.#text = '';
    return this.#emit(text);
  }
}
