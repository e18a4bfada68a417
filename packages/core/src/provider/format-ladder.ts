import { RunnerError } from '../contract/errors.js';
import type { RunContext } from '../contract/run-context.js';

/** The words of servers that refuse the form of an answer. */
const ABOUT_THE_FORM =
  /schema|response[_ ]?format|output_config|output_format|text\.format|json_object|json mode|structured|tool_choice|grammar|guided[_ ]?(json|decoding)/i;

/** The words of servers that refuse the schema of a tool. */
const ABOUT_A_TOOL = /\bfor (function|tool)\b|\btools?[.[]|\binput_schema\b|function parameters/i;

/** Whether a server refused a request for the form that its answer should have. */
export function isFormRefusal(thrown: unknown): boolean {
  if (!(thrown instanceof RunnerError) || thrown.code !== 'invalid_request') return false;
  const { status = 0, message } = thrown;
  return [400, 422].includes(status) && ABOUT_THE_FORM.test(message) && !ABOUT_A_TOOL.test(message);
}

/**
 * The forms of the answers of one runner. Where a server refuses one, the request is sent once more
 * in the next lower one, and later tasks with the same schema begin there.
 */
export class FormatLadder {
  readonly #lowered = new Map<string, number>();
  readonly #source: string;

  /** @param source The name of the runner, for notices. */
  constructor(source: string) {
    this.#source = source;
  }

  /**
   * Tries the formats in order. The next one is tried when the server refuses the form of the answer
   * to the first request.
   *
   * @param attempt Asks in one format, and calls `answered` after each answer.
   */
  async run<Format, Result>(
    formats: readonly Format[],
    schema: unknown,
    { emit }: Pick<RunContext, 'emit'>,
    attempt: (format: Format, answered: () => void) => Promise<Result>,
  ): Promise<Result> {
    // Without a refusal there is no key to make.
    const key = () => JSON.stringify(schema) ?? '';
    const last = formats.length - 1;
    let rung = this.#lowered.size === 0 ? 0 : Math.min(this.#lowered.get(key()) ?? 0, last);
    for (;;) {
      let isAnswered = false;
      try {
        return await attempt(formats[rung] as Format, () => {
          isAnswered = true;
        });
      } catch (thrown) {
        if (isAnswered || rung === last || !isFormRefusal(thrown)) throw thrown;
        rung++;
        this.#lowered.set(key(), rung);
        await emit({
          kind: 'notice',
          source: this.#source,
          message: `the server refused the schema of the answer; asking in a simpler form: ${(thrown as Error).message}`,
          code: 'invalid_request',
        });
      }
    }
  }
}
