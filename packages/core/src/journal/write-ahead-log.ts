import { describe, isStratagemError, RunnerError } from '../contract/errors.js';
import type { EventData, Json, RunJournal } from '../contract/journal.js';
import { JOURNAL_ERROR_CODES, JournalError } from '../contract/journal-error.js';
import type { Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import { encodeEvent } from '../serialize/event.js';
import type { PlanData } from '../serialize/plan.js';
import { toData, UnstorableError } from '../serialize/value.js';
import type { EventLog } from '../state/event-log.js';
import type { RunState } from '../state/run-state.js';

/** Redacts a task's output before it is persisted. */
export type Redact = (output: unknown, task: Task) => unknown;

export interface WriteAheadOptions {
  readonly planData: PlanData;
  readonly runId: string;
  readonly redact: Redact | undefined;
}

/**
 * The events of a run on their way into its journal. Nobody hears of an event, and no attempt is
 * started for it, before it is durable.
 */
export class WriteAheadLog {
  readonly #options: WriteAheadOptions;
  readonly #log: EventLog;
  readonly #graph: Graph;
  /** Outputs of tasks that have just completed, as they will be written. */
  readonly #outputs = new Map<number, Json>();
  #journal: RunJournal | undefined;
  #durable = 0;

  /** @param state The run whose log is written. */
  constructor(options: WriteAheadOptions, { log, graph }: RunState) {
    this.#options = options;
    this.#log = log;
    this.#graph = graph;
  }

  /** Entries of the log before this one are durable. */
  get durable(): number {
    return this.#durable;
  }

  /** Sets the journal to write to; to be called before the first commit. */
  openTo(journal: RunJournal): void {
    this.#journal = journal;
  }

  /** Leaves out entries that the journal has already, or that nobody needs. */
  continueAt(position: number): void {
    this.#durable = position;
  }

  /**
   * Makes sure that an output can be written.
   *
   * @throws {RunnerError} `invalid_output` when it cannot.
   */
  prepare(index: number, task: Task, output: unknown): void {
    this.#outputs.set(index, this.#toData(task, output));
  }

  /**
   * Makes the log durable up to its end, with one append.
   *
   * @throws {JournalError} also as a rejection, when it could not be written.
   */
  commit(): void | Promise<void> {
    const end = this.#log.length;
    if (this.#durable === end) return undefined;
    try {
      const appended = (this.#journal as RunJournal).append(this.#encode(end));
      if (appended === undefined) {
        this.#durable = end;
        return undefined;
      }
      return appended.then(
        () => {
          this.#durable = end;
        },
        (thrown: unknown) => {
          throw this.#failure(thrown);
        },
      );
    } catch (thrown) {
      throw this.#failure(thrown);
    }
  }

  #encode(end: number): EventData[] {
    const { planData, redact } = this.#options;
    const outputOf = ({ output }: { readonly output: unknown }, index: number) => {
      const prepared = this.#outputs.get(index);
      this.#outputs.delete(index);
      return prepared ?? this.#toData(this.#graph.tasks[index] as Task, output);
    };
    const options = { graph: this.#graph, planData, outputOf };
    const events: EventData[] = [];
    for (let position = this.#durable; position < end; position++) {
      // Nobody could redact a piece of text without the rest of it.
      if (redact !== undefined && this.#log.typeAt(position) === 'task_output') continue;
      events.push(encodeEvent(this.#log.eventAt(position), this.#log.indexAt(position), options));
    }
    return events;
  }

  #toData(task: Task, output: unknown): Json {
    const { redact } = this.#options;
    let kept = output;
    try {
      if (redact !== undefined) kept = redact(output, task);
    } catch (thrown) {
      throw new RunnerError('invalid_output', `redact() threw: ${describe(thrown)}`);
    }
    try {
      return toData(kept);
    } catch (thrown) {
      if (!(thrown instanceof UnstorableError)) throw thrown;
      const whose = redact === undefined ? 'its output' : 'what redact() made of its output';
      const message = `${whose} cannot be kept in the journal: ${thrown.message}`;
      throw new RunnerError('invalid_output', message);
    }
  }

  #failure(thrown: unknown): JournalError {
    return journalFailure(this.#options.runId, thrown);
  }
}

/** Why a run ends whose journal failed. */
export function journalFailure(runId: string, thrown: unknown): JournalError {
  const known = isStratagemError(thrown) ? thrown.code : undefined;
  const code = JOURNAL_ERROR_CODES.find((each) => each === known) ?? 'journal_failed';
  const message =
    `Run "${runId}" was stopped, because its journal could not be written: ` +
    `${describe(thrown)}. What it has recorded can be resumed`;
  return new JournalError(code, message, { runId, cause: thrown });
}
