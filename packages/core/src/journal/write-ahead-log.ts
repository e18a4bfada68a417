import type { ValueCodec } from '../contract/codec.js';
import { describe, isStratagemError, RunnerError } from '../contract/errors.js';
import type { RunEvent, TaskCompleted } from '../contract/event.js';
import type { GoalState } from '../contract/goal.js';
import type { EventData, Json, RunJournal } from '../contract/journal.js';
import { JOURNAL_ERROR_CODES, JournalError } from '../contract/journal-error.js';
import type { Task } from '../contract/task.js';
import { handOn } from '../contract/value.js';
import type { Graph } from '../graph/graph.js';
import { type EncodeOptions, encodeEvent, fieldsOf } from '../serialize/event.js';
import type { PlanData } from '../serialize/plan.js';
import { toData, UnstorableError } from '../serialize/value.js';
import { COMPLETED_WITH_DETAILS, type EventLog } from '../state/event-log.js';
import type { RunState } from '../state/run-state.js';
import type { RecordedAttachments } from './recorded-attachments.js';
import type { Redact, Redaction } from './redaction.js';

interface WriteAheadOptions {
  readonly planData: PlanData;
  readonly runId: string;
  readonly redact: Redact | undefined;
  /** The bytes that tasks attach, for the events about them. */
  readonly attachments: { readonly recorded: RecordedAttachments | undefined };
  readonly codecs?: readonly ValueCodec[] | undefined;
  readonly goalState?: GoalState | undefined;
}

/**
 * Writes the events of a run to its journal. No event is published, and no attempt is started for
 * it, before it is durable.
 */
export class WriteAheadLog {
  readonly #options: WriteAheadOptions;
  readonly #state: RunState;
  readonly #log: EventLog;
  readonly #graph: Graph;
  /** Encoded outputs of tasks that are about to complete, by task index. */
  readonly #outputs = new Map<number, { readonly output: unknown; readonly data: Json }>();
  #journal: RunJournal | undefined;
  #redaction: Redaction | undefined;
  #durable = 0;

  /** @param state The state of the run whose log is written. */
  constructor(options: WriteAheadOptions, state: RunState) {
    this.#options = options;
    this.#state = state;
    this.#log = state.log;
    this.#graph = state.graph;
  }

  /** Entries of the log before this one are durable. */
  get durable(): number {
    return this.#durable;
  }

  /** Whether appends cost less than a turn of the event loop. */
  get isInMemory(): boolean {
    return this.#journal?.isInMemory ?? false;
  }

  /** Sets the journal to write to. Call it before the first commit, and await what it returns. */
  openTo(journal: RunJournal): void | Promise<void> {
    this.#journal = journal;
    const { redact } = this.#options;
    return redact === undefined ? undefined : this.#loadRedaction(redact);
  }

  /** Loaded when it is needed: most runs redact nothing. */
  async #loadRedaction(redact: Redact): Promise<void> {
    const { Redaction } = await import('./redaction.js');
    this.#redaction = new Redaction(redact, this.#state, this.#options);
  }

  /** Skips entries that are already in the journal, or that are not needed. */
  continueAt(position: number): void {
    this.#durable = position;
  }

  /** Whether an output has to be encoded before its task completes. The data of a text is the text. */
  mustPrepare(output: unknown): boolean {
    return typeof output !== 'string' || this.#redaction !== undefined;
  }

  /**
   * Encodes the output of a task before it completes.
   *
   * @throws {RunnerError} `invalid_output` when the output cannot be written.
   */
  prepare(index: number, task: Task, output: unknown): void {
    this.#outputs.set(index, { output, data: this.#toData(task, output) });
  }

  /**
   * Makes the whole log durable with one append.
   *
   * @param onWritten See `RunJournal.append`.
   * @throws {JournalError} when the append fails; also as a rejection.
   */
  commit(onWritten: () => void): void | Promise<void> {
    const end = this.#log.length;
    if (this.#durable === end) return undefined;
    try {
      const appended = (this.#journal as RunJournal).append(this.#encode(end), onWritten);
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
    const log = this.#log;
    const { redact, codecs } = this.#options;
    const events: EventData[] = [];
    for (let position = this.#durable; position < end; position++) {
      const kind = log.kindAt(position);
      // A piece of text cannot be redacted without the rest of it.
      if (redact !== undefined && log.typeAt(position) === 'task_output') continue;
      const event = log.eventAt(position);
      const isOfAttempt = kind <= COMPLETED_WITH_DETAILS && log.attemptAt(position) > 0;
      if (!isOfAttempt || this.#redaction !== undefined) {
        events.push(this.#encodeOther(event, log.indexAt(position)));
        continue;
      }
      // Starts and completions are nearly all events, made for this call, and plain but for the output.
      if (event.type === 'task_completed') {
        const completed: Changeable<TaskCompleted> = event;
        const { output } = event;
        const isText = typeof output === 'string';
        completed.output = isText ? output : this.#outputOf(event, log.indexAt(position));
      }
      const hasDetails = kind === COMPLETED_WITH_DETAILS;
      events.push(hasDetails ? fieldsOf(event, codecs) : (event as unknown as EventData));
    }
    return events;
  }

  #encodeOther(event: RunEvent, index: number): EventData {
    const { planData, codecs } = this.#options;
    const options: EncodeOptions = {
      ...{ graph: this.#graph, planData, codecs },
      outputOf: (completed) => this.#outputOf(completed, index),
      attachedOf: (sha256) => this.#options.attachments.recorded?.take(sha256),
    };
    const redaction = this.#redaction;
    if (redaction === undefined) return encodeEvent(event, index, options);
    return redaction.data(encodeEvent(redaction.event(event, index), index, options), index);
  }

  #outputOf({ output }: TaskCompleted, index: number): Json {
    const prepared = this.#outputs.get(index);
    this.#outputs.delete(index);
    // Another output may have come first: a human's answer, after the default at a timeout.
    const isPrepared = prepared !== undefined && prepared.output === output;
    return isPrepared ? prepared.data : this.#toData(this.#graph.tasks[index] as Task, output);
  }

  #toData(task: Task, output: unknown): Json {
    const { redact, codecs } = this.#options;
    let kept = output;
    try {
      if (this.#redaction !== undefined) kept = this.#redaction.output(handOn(output), task);
    } catch (thrown) {
      throw new RunnerError('invalid_output', `redact() threw: ${describe(thrown)}`);
    }
    try {
      return toData(kept, codecs);
    } catch (thrown) {
      if (!(thrown instanceof UnstorableError)) throw thrown;
      const subject = redact === undefined ? 'its output' : 'the result of redact()';
      const message = `${subject} cannot be stored in the journal: ${thrown.message}`;
      throw new RunnerError('invalid_output', message);
    }
  }

  #failure(thrown: unknown): JournalError {
    return journalFailure(this.#options.runId, thrown);
  }
}

type Changeable<T> = { -readonly [Field in keyof T]: T[Field] };

/** The error of a run whose journal failed. */
export function journalFailure(runId: string, thrown: unknown): JournalError {
  const known = isStratagemError(thrown) ? thrown.code : undefined;
  const code = JOURNAL_ERROR_CODES.find((each) => each === known) ?? 'journal_failed';
  const message =
    `Run "${runId}" was stopped because its journal could not be written: ` +
    `${describe(thrown)}. The recorded part can be resumed`;
  return new JournalError(code, message, { runId, cause: thrown });
}
