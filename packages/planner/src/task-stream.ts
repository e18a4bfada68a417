import { JSONParser } from '@streamparser/json';

/** Where tasks stand in an answer: in a plan, in a plan that is wrapped, or alone in a list. */
const IN_OBJECT = ['$.tasks.*', '$.plan.tasks.*'];
const IN_LIST = ['$.*'];

/**
 * Finds the tasks in an answer while it is being written: each as soon as its last brace is there.
 * It reads JSON as it ought to be; from the first mistake on it finds nothing more, and what is to
 * be made of the rest has to wait until all of it is there.
 */
export class TaskStream {
  readonly #found: (task: unknown) => void;
  readonly #maxLength: number;
  #length = 0;
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
    // Prose and the beginning of a fence may come first.
    const start = text.search(/[{[]/);
    if (start === -1) return;
    this.#parser = this.#parserOf(text[start] === '[' ? IN_LIST : IN_OBJECT);
    this.#parser.write(text.slice(start));
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
