import { checkDuration, checkFlag, checkOptions } from '../contract/check-options.js';
import { citationsOf } from '../contract/citation.js';
import type { ValueCodec } from '../contract/codec.js';
import { OptionError } from '../contract/errors.js';
import type { Journal, RecordedCompletion } from '../contract/journal.js';
import type { AttemptResult } from '../contract/runner.js';
import type { AnySchema } from '../contract/schema.js';
import { serverToolCallsOf } from '../contract/server-tool-call.js';
import { misfitOf } from '../contract/validate-output.js';
import { fromData } from '../serialize/value.js';

/** Which outputs of earlier runs may be reused. */
export interface ReuseOptions {
  /**
   * The maximum age of an output, in milliseconds.
   * @default Infinity
   */
  readonly maxAgeMs?: number | undefined;
  /**
   * Whether an item of a fan-out may also reuse the output of an item at another place of its list. So a
   * list may lose and get items, and only the new ones run. Equal items may then share one output.
   * @default false
   */
  readonly anyPosition?: boolean | undefined;
}

/** An output of an earlier run. */
interface ReusedOutput extends Pick<AttemptResult, 'model' | 'citations' | 'serverToolCalls'> {
  readonly output: unknown;
  readonly runId: string;
}

/** Finds outputs of earlier runs that may be reused. */
export class Reuse {
  /** Whether the places of items in their lists are no part of the content keys. */
  readonly anyPosition: boolean;
  readonly #journal: Journal;
  readonly #maxAgeMs: number;
  readonly #codecs: readonly ValueCodec[] | undefined;

  constructor(
    journal: Journal,
    { maxAgeMs = Number.POSITIVE_INFINITY, anyPosition = false }: ReuseOptions,
    codecs?: readonly ValueCodec[],
  ) {
    this.#codecs = codecs;
    this.#journal = journal;
    this.#maxAgeMs = maxAgeMs;
    this.anyPosition = anyPosition;
  }

  /** @param schema The schema that the output must still match. */
  async find(
    contentKey: string,
    schema: AnySchema | undefined,
    now: number,
  ): Promise<ReusedOutput | undefined> {
    const found = await this.#journal.lookup(contentKey);
    if (found === undefined) return undefined;
    // An output of the future was recorded while the time of day was wrong: its age is unknown.
    if (Math.abs(now - found.event.timestamp) > this.#maxAgeMs) return undefined;
    const output = outputIn(found, this.#codecs ?? []);
    if (schema !== undefined && (await misfitOf(schema, output)) !== undefined) return undefined;
    const { model, reused } = found.event;
    // The run that produced the output, however often it has been reused since.
    const { runId } = (reused as { runId: string } | undefined) ?? found;
    const citations = citationsOf(found.event.citations);
    const serverToolCalls = serverToolCallsOf(found.event.serverToolCalls);
    return {
      ...{ output, runId },
      ...(typeof model === 'string' && { model }),
      ...(citations && { citations }),
      ...(serverToolCalls && { serverToolCalls }),
    };
  }
}

function outputIn({ event }: RecordedCompletion, codecs: readonly ValueCodec[]): unknown {
  return event.output === undefined ? undefined : fromData(event.output, codecs);
}

/** @throws {OptionError} when the option `reuse` is invalid. */
export function checkReuse(owner: string, reuse: boolean | ReuseOptions): void {
  if (typeof reuse === 'boolean') return;
  if (typeof reuse !== 'object' || reuse === null) {
    throw new OptionError(`${owner}: reuse must be a boolean or an object like { maxAgeMs }`);
  }
  checkOptions(`${owner}: reuse`, reuse, ['maxAgeMs', 'anyPosition']);
  if (reuse.anyPosition !== undefined)
    checkFlag(`${owner}: reuse`, 'anyPosition', reuse.anyPosition);
  if (reuse.maxAgeMs !== undefined) checkDuration(`${owner}: reuse`, 'maxAgeMs', reuse.maxAgeMs);
}
