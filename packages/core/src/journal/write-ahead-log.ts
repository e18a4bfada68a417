import { describe, isStratagemError, RunnerError } from '../contract/errors.js';
import type { PlanEvent } from '../contract/event.js';
import type { EventData, Json, RunJournal } from '../contract/journal.js';
import { JOURNAL_ERROR_CODES, JournalError } from '../contract/journal-error.js';
import type { Plan } from '../contract/plan.js';
import type { Task } from '../contract/task.js';
import { Graph } from '../graph/graph.js';
import { encodeEvent } from '../serialize/event.js';
import type { PlanData } from '../serialize/plan.js';
import { toData, UnstorableError } from '../serialize/value.js';
import { MetricsFold } from '../state/metrics.js';
import { RunState } from '../state/run-state.js';

/** Makes of a task's output what may be written down. */
export type Redact = (output: unknown, task: Task) => unknown;

export interface WriteAheadOptions {
  readonly plan: Plan;
  readonly planData: PlanData;
  readonly runId: string;
  readonly redact: Redact | undefined;
}

/**
 * The events of a run on their way into its journal. Nobody hears of an event before it is durable;
 * what has been told so far is kept here, apart from what the kernel knows, and is all that a run
 * whose journal fails can report.
 */
export class WriteAhead {
  /** The run as it has been told. */
  readonly state: RunState;
  readonly metrics: MetricsFold;
  readonly #options: WriteAheadOptions;
  /** As they may be written, of tasks that have just completed. */
  readonly #outputs = new Map<number, Json>();
  #journal: RunJournal | undefined;
  #waiting: { readonly event: PlanEvent; readonly index: number }[] = [];

  constructor(options: WriteAheadOptions) {
    this.#options = options;
    this.state = new RunState(new Graph(options.plan.tasks));
    this.metrics = new MetricsFold(this.state.graph);
  }

  /** Where everything is written; to be called before the first commit. */
  openTo(journal: RunJournal): void {
    this.#journal = journal;
  }

  /**
   * Makes sure that an output can be written.
   *
   * @throws {RunnerError} `invalid_output` when it cannot.
   */
  prepare(index: number, task: Task, output: unknown): void {
    this.#outputs.set(index, this.#toData(task, output));
  }

  add(event: PlanEvent, index: number): void {
    this.#waiting.push({ event, index });
  }

  /**
   * Makes what was added durable, with one append.
   *
   * @throws {JournalError} also as a rejection, when it could not be written.
   */
  commit(graph: Graph): void | Promise<void> {
    if (this.#waiting.length === 0) return undefined;
    try {
      const appended = (this.#journal as RunJournal).append(this.#encoded(graph));
      return appended?.catch((thrown: unknown) => {
        throw this.#failure(thrown);
      });
    } catch (thrown) {
      throw this.#failure(thrown);
    }
  }

  /** What has become durable, and counts as told from now on. */
  take(): readonly { readonly event: PlanEvent; readonly index: number }[] {
    const durable = this.#waiting;
    this.#waiting = [];
    for (const { event, index } of durable) this.tell(event, index);
    return durable;
  }

  /** What a recorded run has told before. */
  tell(event: PlanEvent, index: number): void {
    this.state.apply(event, index);
    this.metrics.apply(event, index);
  }

  #encoded(graph: Graph): EventData[] {
    const { planData, redact } = this.#options;
    const outputOf = ({ output }: { readonly output: unknown }, index: number) => {
      const prepared = this.#outputs.get(index);
      this.#outputs.delete(index);
      return prepared ?? this.#toData(graph.tasks[index] as Task, output);
    };
    const options = { graph, planData, outputOf };
    const events: EventData[] = [];
    for (const { event, index } of this.#waiting) {
      // Of pieces nobody could tell what they are pieces of.
      if (redact !== undefined && event.type === 'task_output') continue;
      events.push(encodeEvent(event, index, options));
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
