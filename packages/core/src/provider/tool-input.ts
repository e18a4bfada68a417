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
 * arguments, and some repeat the whole ones at the end.
 */
export class ToolInputText {
  json = '';
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isWhole = false;

  /** Whether the object is complete. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  add(given: string): void {
    // Some servers repeat with each piece what came before it.
    const isRepeated = this.json.length > 1 && !this.#isWhole && given.startsWith(this.json);
    const piece = isRepeated ? given.slice(this.json.length) : given;
    if (this.#isWhole) {
      if (!isEmptyInput(this.json) || !piece.trimStart().startsWith('{')) return;
      this.json = '';
      this.#isWhole = false;
    }
    this.json += piece;
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

/** Whether a piece of JSON is an object from its first to its last character. */
export function isWholeInput(json: string): boolean {
  const input = new ToolInputText();
  input.add(json);
  return input.isWhole && json.trimStart().startsWith('{');
}

/** Whether JSON is an object without fields. */
export function isEmptyInput(json: string): boolean {
  return /^\s*\{\s*\}\s*$/.test(json);
}
