import { JSONParser } from '@streamparser/json';

/** JSON paths of the tasks: in a plan, in a wrapped plan, or in a bare list. */
const IN_OBJECT = ['$.tasks.*', '$.plan.tasks.*'];
const IN_LIST = ['$.*'];
const THOUGHTS_START = '<think>';
const THOUGHTS_END = '</think>';

/**
 * Finds the tasks in an answer while the model writes it, each as soon as it is complete. It accepts
 * valid JSON only. After the first error it finds nothing more; the rest has to wait for the whole
 * answer.
 */
export class TaskStream {
  readonly #onTask: (task: unknown) => void;
  readonly #maxLength: number;
  #length = 0;
  /** The text before the first bracket, reduced to the part that may belong to a mark. */
  #prose = '';
  #isThinking = false;
  #parser: JSONParser | undefined;
  #isOver = false;

  /**
   * @param maxLength The most characters to read.
   * @param onTask Called with each task, in the order of the answer.
   */
  constructor(maxLength: number, onTask: (task: unknown) => void) {
    this.#maxLength = maxLength;
    this.#onTask = onTask;
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
    const json = this.#takeJson();
    if (json === undefined) return;
    this.#parser = this.#createParser(json[0] === '[' ? IN_LIST : IN_OBJECT);
    this.#parser.write(json);
  }

  /**
   * The text from the first bracket on, once there is one. Prose, a code fence and thoughts may
   * precede it. Thoughts are skipped, since they can contain plans that the model discards.
   */
  #takeJson(): string | undefined {
    for (;;) {
      const mark = this.#isThinking ? THOUGHTS_END : THOUGHTS_START;
      const markStart = this.#prose.indexOf(mark);
      const jsonStart = this.#isThinking ? -1 : this.#prose.search(/[{[]/);
      if (jsonStart !== -1 && (markStart === -1 || jsonStart < markStart)) {
        return this.#prose.slice(jsonStart);
      }
      if (markStart === -1) {
        this.#prose = this.#prose.slice(1 - mark.length);
        return undefined;
      }
      this.#prose = this.#prose.slice(markStart + mark.length);
      this.#isThinking = !this.#isThinking;
    }
  }

  #createParser(paths: string[]): JSONParser {
    const parser = new JSONParser({ paths, keepStack: false });
    parser.onValue = ({ key, value }) => {
      // The paths also match the fields of an object; only the elements of a list have numbers.
      if (!this.#isOver && typeof key === 'number') this.#onTask(value);
    };
    // Text after the end of the JSON also counts as an error here.
    parser.onError = () => {
      this.#isOver = true;
    };
    parser.onEnd = () => {
      this.#isOver = true;
    };
    return parser;
  }
}
