import { isStratagemError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';
import type { EventData, Journal } from '../contract/journal.js';
import { JournalError } from '../contract/journal-error.js';
import type { Plan } from '../contract/plan.js';
import type { Task } from '../contract/task.js';
import { Graph } from '../graph/graph.js';
import { decodeRecorded } from '../kernel/decode-log.js';
import { type PlanData, planFromData } from '../serialize/plan.js';
import { FanOut } from '../state/fan-out.js';
import { RunState } from '../state/run-state.js';

const NONE_ADDED: ReadonlyMap<string, Task> = new Map();

/**
 * Reads a recorded run with nothing but its log at hand: events as they were, and what they have come
 * to. Functions and schemas of its tasks are there and do nothing.
 */
export class LogReader {
  readonly #fanOut = new FanOut();
  #plan: Plan | undefined;
  #state: RunState | undefined;

  /** The run as far as it has been read; undefined before the first event. */
  get state(): RunState | undefined {
    return this.#state;
  }

  read(data: EventData): RunEvent {
    // A changed plan that was accepted begins the run again.
    if (data.type === 'run_started') this.#begin(planFromData(data.plan as PlanData));
    if (this.#state === undefined) throw new TypeError('a log begins with run_started');
    const plan = () => this.#plan as Plan;
    const context = { state: this.#state, fanOut: this.#fanOut, plan, added: NONE_ADDED };
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
 * The events of a recorded run, as they were told. A list that a function gave to a fan-out, and
 * whatever else was written down, is there; functions and schemas of its tasks are not.
 *
 * Rejects with `run_not_found`, and with `journal_corrupt` or `journal_newer` when they cannot be
 * understood.
 *
 * @example
 * for await (const event of readRun(journal, runId)) console.log(event.type);
 */
export async function* readRun(journal: Journal, runId: string): AsyncGenerator<RunEvent> {
  const reader = new LogReader();
  for await (const data of journal.read(runId)) {
    yield understood(runId, () => reader.read(data));
  }
}

/** What a log says, or an error that says whose log cannot be understood. */
export function understood<T>(runId: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const isNewer = isStratagemError(cause) && cause.code === 'journal_newer';
    const message = `What is recorded of run "${runId}" cannot be understood: ${why}`;
    throw new JournalError(isNewer ? 'journal_newer' : 'journal_corrupt', message, {
      runId,
      cause,
    });
  }
}
