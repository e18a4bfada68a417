import type { ValueCodec } from '../contract/codec.js';
import { isStratagemError, OptionError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';
import type { EventData, Journal } from '../contract/journal.js';
import { JournalError } from '../contract/journal-error.js';
import type { Plan } from '../contract/plan.js';
import { checkRunId } from '../contract/run-id.js';
import type { Task } from '../contract/task.js';
import { Graph } from '../graph/graph.js';
import { decodeRecorded } from '../kernel/decode-log.js';
import { type PlanData, planFromData } from '../serialize/plan.js';
import { FanOut } from '../state/fan-out.js';
import { RunState } from '../state/run-state.js';

const NO_ADDED_TASKS: ReadonlyMap<string, Task> = new Map();

/**
 * Decodes a recorded run from its log alone and folds its state. The functions and schemas of its
 * tasks are placeholders that do nothing.
 */
export class LogReader {
  readonly #fanOut: FanOut;
  readonly #codecs: readonly ValueCodec[] | undefined;
  #plan: Plan | undefined;
  #state: RunState | undefined;

  constructor(codecs?: readonly ValueCodec[]) {
    this.#codecs = codecs;
    this.#fanOut = new FanOut(codecs);
  }

  /** The state after the events read so far; undefined before the first event. */
  get state(): RunState | undefined {
    return this.#state;
  }

  read(data: EventData): RunEvent {
    // A changed plan that was accepted starts the run again.
    if (data.type === 'run_started') this.#begin(planFromData(data.plan as PlanData));
    if (this.#state === undefined) throw new TypeError('a log begins with run_started');
    const plan = () => this.#plan as Plan;
    const context = {
      state: this.#state,
      fanOut: this.#fanOut,
      plan,
      added: NO_ADDED_TASKS,
      codecs: this.#codecs,
    };
    const { event, index } = decodeRecorded(data, context);
    this.#state.apply(event, index);
    return event;
  }

  #begin(plan: Plan): void {
    this.#plan = plan;
    this.#state = new RunState(new Graph(plan.tasks));
  }
}

/**
 * The events of a recorded run, as they were published. Recorded values are included, such as the list
 * that a function gave to a fan-out; the functions and schemas of its tasks are not.
 *
 * Rejects with `run_not_found`, and with `journal_corrupt` or `journal_newer` when an event cannot be
 * decoded.
 *
 * @param options.codecs Decode the values that these codecs have encoded. Without codecs, such values
 * are returned as they were encoded.
 *
 * @example
 * for await (const event of readRun(journal, runId)) console.log(event.type);
 */
export async function* readRun(
  journal: Journal,
  runId: string,
  options: { readonly codecs?: readonly ValueCodec[] | undefined } = {},
): AsyncGenerator<RunEvent> {
  if (typeof journal?.read !== 'function') {
    throw new OptionError('readRun() needs the journal that has recorded the run');
  }
  checkRunId('readRun()', runId);
  const reader = new LogReader(options.codecs);
  for await (const data of journal.read(runId)) {
    yield wrapCorruptLog(runId, () => reader.read(data));
  }
}

/** Calls `read`, and turns what it throws into an error that names the run. */
export function wrapCorruptLog<T>(runId: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    // A missing codec is not the fault of the record.
    if (isStratagemError(cause) && cause.code === 'invalid_option') throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const isNewer = isStratagemError(cause) && cause.code === 'journal_newer';
    const message = `The record of run "${runId}" cannot be read: ${reason}`;
    throw new JournalError(isNewer ? 'journal_newer' : 'journal_corrupt', message, {
      runId,
      cause,
    });
  }
}
