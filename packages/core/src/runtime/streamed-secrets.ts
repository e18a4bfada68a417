import type { OutputPart } from '../contract/output-part.js';
import type { SecretTexts } from '../contract/secret-texts.js';

type Streamed = Extract<OutputPart, { kind: 'text' | 'reasoning' }>;

/**
 * Keeps secrets out of streamed text, whose parts may each have a piece of one: the end of the text that
 * may be the beginning of a secret waits for what follows.
 */
export class StreamedSecrets {
  readonly #secrets: SecretTexts;
  #held: Streamed | undefined;

  constructor(secrets: SecretTexts) {
    this.#secrets = secrets;
  }

  /** The parts that can be written now, in order. */
  add(part: OutputPart): OutputPart[] {
    if (!isStreamed(part)) return [...this.end(), this.#clean(part)];
    const before = this.#held?.kind === part.kind ? [] : this.end();
    const text = (this.#held?.text ?? '') + part.text;
    const from = this.#secrets.openFrom(text);
    this.#held = from < text.length ? { ...part, text: text.slice(from) } : undefined;
    const sure = this.#secrets.text(text.slice(0, from));
    return sure === '' ? before : [...before, { ...part, text: sure }];
  }

  /** The key of a call is made of a name and a hash, in which a short secret may occur by chance. */
  #clean(part: OutputPart): OutputPart {
    const clean = this.#secrets.value(part);
    if (clean === part || !('key' in part)) return clean;
    return { ...clean, key: part.key } as OutputPart;
  }

  /** The text that has waited: nothing follows it. */
  end(): OutputPart[] {
    const held = this.#held;
    this.#held = undefined;
    return held === undefined ? [] : [this.#secrets.value(held)];
  }
}

function isStreamed(part: OutputPart): part is Streamed {
  return part.kind === 'text' || part.kind === 'reasoning';
}
