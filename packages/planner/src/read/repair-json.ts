import { jsonrepair } from 'jsonrepair';

export interface ParsedJson {
  readonly value: unknown;
  readonly isRepaired: boolean;
}

/**
 * The most characters that are repaired in one answer. On malicious text, repairing takes time that
 * grows with the square of its length. Valid JSON may be longer.
 */
const MAX_REPAIRED = 40_000;

/** Undefined when the text is not valid JSON. */
export function parseJson(text: string): ParsedJson | undefined {
  try {
    return { value: JSON.parse(text), isRepaired: false };
  } catch {
    return undefined;
  }
}

/** Parses invalid JSON after repairing it, within one length limit for the whole answer. */
export class JsonRepairer {
  #remaining = MAX_REPAIRED;

  /** Undefined when the text cannot be repaired, or exceeds the limit. */
  parse(text: string): ParsedJson | undefined {
    if (text.length > this.#remaining) return undefined;
    this.#remaining -= text.length;
    try {
      return { value: JSON.parse(jsonrepair(text)), isRepaired: true };
    } catch {
      return undefined;
    }
  }
}
