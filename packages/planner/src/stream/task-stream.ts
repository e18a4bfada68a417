import { JSONParser } from '@streamparser/json';

/** Where tasks stand in an answer: in a plan, in a plan that is wrapped, or alone in a list. */
const IN_OBJECT = ['$.tasks.*', '$.plan.tasks.*'];
const IN_LIST = ['$.*'];
const THOUGHTS = '<think>';
const THOUGHTS_END = '</think>';

/**
 * Finds the tasks in an answer while it is being written: each as soon as its last brace is there.
 * It reads JSON as it ought to be; from the first mistake on it finds nothing more, and what is to
 * be made of the rest has to wait until all of it is there.
 */
export class TaskStream {
  readonly #found: (task: unknown) => void;
  readonly #maxLength: number;
  #length = 0;
  /** What came before the first bracket, as far as a mark may yet be part of it. */
  #prose = '';
  #isThinking = false;
  #parser: JSONParser | undefined;
  #isOver = false;

  /**
   * @param maxLength So many characters are read.
   * @param found Called with each task, in the order in which they are written.
   */
  constructor(maxLength: number, found: (task: unknown) => void) {
    this.#maxLength = maxLength;
    this.#found = found;
  }

  write(text: string): void {
    this.#length += text.length;
    if (this.#length > this.#maxLength) this.#isOver = true;
    if (this.#isOver) return;
    if (this.#parser !== undefined) {
      this.#parser.write(text);
      return;
    }
    this.#prose += text;
    const answer = this.#answer();
    if (answer === undefined) return;
    this.#parser = this.#parserOf(answer[0] === '[' ? IN_LIST : IN_OBJECT);
    this.#parser.write(answer);
  }

  /**
   * The answer from its first bracket on, once that is there. Prose and the beginning of a fence may
   * come first; and thoughts, in which a model may think of plans that it does not mean.
   */
  #answer(): string | undefined {
    for (;;) {
      const mark = this.#isThinking ? THOUGHTS_END : THOUGHTS;
      const found = this.#prose.indexOf(mark);
      const start = this.#isThinking ? -1 : this.#prose.search(/[{[]/);
      if (start !== -1 && (found === -1 || start < found)) return this.#prose.slice(start);
      if (found === -1) {
        this.#prose = this.#prose.slice(1 - mark.length);
        return undefined;
      }
      this.#prose = this.#prose.slice(found + mark.length);
      this.#isThinking = !this.#isThinking;
    }
  }

  #parserOf(paths: string[]): JSONParser {
    const parser = new JSONParser({ paths, keepStack: false });
    parser.onValue = ({ key, value }) => {
      // Fields have names, and elements positions.
      if (!this.#isOver && typeof key === 'number') this.#found(value);
    };
    // What comes after the end of it is reported here as well.
    parser.onError = () => {
      this.#isOver = true;
    };
    parser.onEnd = () => {
      this.#isOver = true;
    };
    return parser;
  }
}
