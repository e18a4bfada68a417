import { isRecord } from '../util/record.js';

/**
 * The input of a tool call as the next request repeats it: always the JSON of an object. Servers
 * refuse a history with anything else, even when it is what the model wrote.
 */
export function inputJson(input: unknown): string {
  if (typeof input !== 'string') return JSON.stringify(isRecord(input) ? input : {});
  try {
    const value: unknown = JSON.parse(input);
    // Some servers write the JSON as a text of JSON.
    if (typeof value === 'string') return inputJson(value);
    return isRecord(value) ? input : '{}';
  } catch {
    return '{}';
  }
}

/** The name of a called tool as the next request repeats it: servers refuse a history with other characters. */
export function replayedName(name: unknown): string {
  return (
    String(name ?? '')
      .replaceAll(/[^\w-]/g, '_')
      .slice(0, 64) || 'unknown'
  );
}

/**
 * The input of a tool call, whose JSON arrives in pieces. Some servers announce a call with empty
 * arguments, some repeat the whole ones at the end, and some repeat with each piece what came before it.
 * An input may repeat its own beginning, too: so both readings are kept until one of them is whole.
 */
export class ToolInputText {
  /** All pieces, one after the other. */
  #joined = new JsonText();
  /** The last piece that began with all that came before it. */
  #grown: JsonText | undefined;
  /** Whether no piece has arrived since that one. */
  #grows = false;
  #chosen = this.#joined;

  get json(): string {
    return this.#chosen.text;
  }

  /** Whether the object is complete. */
  get isWhole(): boolean {
    return this.#chosen.isWhole;
  }

  add(piece: string): void {
    if (piece === '') return;
    if (this.isWhole && isEmptyInput(this.json) && piece.trimStart().startsWith('{')) {
      this.#joined = new JsonText();
      this.#grown = undefined;
    } else if (this.#isJoinedWhole) return;
    const before = (this.#grown ?? this.#joined).text;
    this.#grows = before !== '' && piece.startsWith(before);
    if (this.#grows) {
      this.#grown ??= new JsonText(before);
      this.#grown.add(piece.slice(before.length));
    }
    this.#joined.add(piece);
    this.#chosen = this.#choose();
  }

  #choose(): JsonText {
    if (this.#grown === undefined || this.#isJoinedWhole) return this.#joined;
    return this.#grows || this.#grown.isWhole ? this.#grown : this.#joined;
  }

  /** Repeated pieces one after the other may look whole, but are no JSON. */
  get #isJoinedWhole(): boolean {
    if (!this.#joined.isWhole) return false;
    return this.#grown === undefined || isJson(this.#joined.text);
  }
}

/** A text that is the beginning of a JSON object or list. */
export class JsonText {
  text = '';
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isWhole = false;

  constructor(text = '') {
    this.add(text);
  }

  /** Whether the object or list has ended. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  add(piece: string): void {
    this.text += piece;
    for (const character of piece) this.#read(character);
  }

  #read(character: string): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (this.#isInString) {
      if (character === '\\') this.#isEscaped = true;
      else if (character === '"') this.#isInString = false;
    } else if (character === '"') this.#isInString = true;
    else if (character === '{' || character === '[') this.#depth++;
    else if (character === '}' || character === ']') this.#isWhole = --this.#depth === 0;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether a piece of JSON is an object from its first to its last character. */
export function isWholeInput(json: string): boolean {
  return new JsonText(json).isWhole && json.trimStart().startsWith('{');
}

/** Whether JSON is an object without fields. */
export function isEmptyInput(json: string): boolean {
  return /^\s*\{\s*\}\s*$/.test(json);
}
