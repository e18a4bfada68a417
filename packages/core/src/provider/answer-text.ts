import type { RunContext } from '../contract/run-context.js';

const TAG = /<(\/?)think>/i;
const CLOSING_TAG = /<\/think>/i;
const LONGEST_TAG = '</think>'.length;
const TAGS = ['<think>', '</think>'];
const QUOTES: ReadonlySet<string | undefined> = new Set(['"', "'", '`']);

/**
 * Collects the text of an answer as it arrives, and emits it. Some models write their reasoning into
 * the text, as `<think>…</think>`. It is emitted as reasoning, and is no part of the answer.
 *
 * A block at the beginning may lack its opening tag, as some prompts end with it. It may lack its
 * closing tag when the model stopped before answering. A block inside the answer needs both tags. A
 * tag in quotes is text.
 */
export class AnswerText {
  /** The answer without reasoning. */
  text = '';
  /** Everything that arrived, as the next request must repeat it. */
  raw = '';
  readonly #emit: RunContext['emit'] | undefined;
  /** Reasoning that has not been emitted. */
  #thought = '';
  /** The end of the text that arrived, which may be the beginning of a tag. */
  #tail = '';
  /** In a block at the beginning, or in one inside the answer. */
  #block: 'none' | 'first' | 'inner' = 'none';
  /** A block inside the answer, which is text unless its last tag arrives. */
  #held = '';
  /** Whether a closing tag alone is text: a block, or a tag in quotes, stood before it. */
  #closesNothing = false;
  #skipsBlanks = false;
  /** Whether the answer has begun, with more than blanks. */
  #begun = false;

  constructor(emit?: RunContext['emit'] | undefined) {
    this.#emit = emit;
  }

  /**
   * @param piece Some servers send null.
   * @returns A promise while the reader of the text is behind.
   */
  add(piece: string | null | undefined): Promise<void> | undefined {
    return this.#release(typeof piece === 'string' ? this.#take(piece) : '');
  }

  /** Emits a piece of reasoning that arrived apart from the text. */
  reason(piece: string | null | undefined): Promise<void> | undefined {
    if (typeof piece !== 'string' || piece === '') return undefined;
    return this.#emit?.({ kind: 'reasoning', text: piece });
  }

  /** The answer is complete: releases the text that might have become a block. */
  end(): Promise<void> | undefined {
    return this.#release(this.#takeRest());
  }

  /** The text of an answer that arrived whole. */
  static of(whole: string): string {
    const collected = new AnswerText();
    collected.text += collected.#take(whole);
    return collected.text + collected.#takeRest();
  }

  #release(text: string): Promise<void> | undefined {
    const thought = this.#thought;
    this.#thought = '';
    const reasoned = this.reason(thought);
    if (text === '') return reasoned;
    this.text += text;
    return reasoned === undefined ? this.#emit?.(text) : reasoned.then(() => this.#emit?.(text));
  }

  #takeRest(): string {
    if (this.#block === 'first') this.#thought += this.#tail;
    const rest = { none: this.#tail, first: '', inner: this.#held }[this.#block];
    this.#block = 'none';
    this.#tail = '';
    return this.#shown(rest);
  }

  /** Takes a piece, and returns the text that is certain to belong to the answer. */
  #take(piece: string): string {
    this.raw += piece;
    if (this.#block === 'inner') this.#held += piece;
    let rest = this.#tail + piece;
    let text = '';
    for (;;) {
      if (this.#block !== 'none') {
        const closing = CLOSING_TAG.exec(rest);
        if (closing === null) {
          // Inside the answer, it is text unless the closing tag arrives.
          if (this.#block === 'first') this.#thought += rest.slice(0, -LONGEST_TAG);
          this.#tail = rest.slice(-LONGEST_TAG);
          return text;
        }
        this.#thought +=
          this.#block === 'first' ? rest.slice(0, closing.index) : thoughtIn(this.#held);
        rest = rest.slice(closing.index + LONGEST_TAG);
        this.#skipsBlanks = this.#block === 'first';
        this.#block = 'none';
        this.#closesNothing = true;
      }
      const tag = TAG.exec(rest);
      if (tag === null) break;
      const [whole, slash] = tag;
      const before = rest.slice(0, tag.index);
      rest = rest.slice(tag.index + whole.length);
      if (QUOTES.has(before.at(-1) ?? (text || this.text).at(-1))) {
        text += this.#shown(before + whole);
        this.#closesNothing = true;
      } else if (slash === '' && !this.#begun && isBlank(before)) {
        this.#block = 'first';
      } else if (slash === '') {
        this.#block = 'inner';
        text += this.#shown(before);
        this.#held = whole + rest;
      } else if (this.#closesNothing) {
        text += this.#shown(before + whole);
      } else {
        // Everything so far was reasoning, although it has been emitted.
        this.text = '';
        text = '';
        this.#begun = false;
        this.#closesNothing = true;
        this.#skipsBlanks = true;
      }
    }
    const certain = rest.slice(0, rest.length - lengthOfPartialTag(rest));
    // Blanks before the answer are held, as a block may follow.
    const released = this.#begun || !isBlank(certain) ? certain : '';
    this.#tail = rest.slice(released.length);
    return text + this.#shown(released);
  }

  #shown(text: string): string {
    const shown = this.#skipsBlanks ? text.trimStart() : text;
    if (shown !== '') this.#skipsBlanks = false;
    this.#begun ||= !isBlank(shown);
    return shown;
  }
}

/** The reasoning in a block that begins with its opening tag. */
function thoughtIn(block: string): string {
  const start = block.indexOf('>') + 1;
  return block.slice(start, CLOSING_TAG.exec(block)?.index);
}

/** How many characters at the end of a text may be the beginning of a tag. */
function lengthOfPartialTag(text: string): number {
  const start = text.lastIndexOf('<', text.length - 1);
  if (start === -1 || text.length - start >= LONGEST_TAG) return 0;
  const end = text.slice(start).toLowerCase();
  return TAGS.some((tag) => tag.startsWith(end)) ? end.length : 0;
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}
