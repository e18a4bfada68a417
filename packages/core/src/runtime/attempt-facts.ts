import type { AttemptWork } from '../contract/carrier.js';
import { type RunObserver, surroundingOf } from '../contract/instrumentation.js';
import type { Json } from '../contract/journal.js';
import type { OutputPart } from '../contract/output-part.js';
import type { TaskFailure } from '../contract/run-after.js';
import type { Surround, TraceContext } from '../contract/surround.js';
import { asksModel, type Task } from '../contract/task.js';
import type { RecordedToolResult } from '../contract/tool.js';
import type { Kernel } from '../kernel/kernel.js';
import { toData } from '../serialize/value.js';
import type { Inputs } from '../state/inputs.js';
import { requestOf } from '../state/prompt.js';
import { type Step, stepOf } from '../state/step.js';
import type { Attempt, AttemptHost } from './attempt.js';
import type { Input } from './input.js';
import { requestWorkOf } from './request.js';
import type { RunSettings } from './settings.js';

/** Where reports about attempts go. */
export interface AttemptInbox {
  /** @param isFromOutside Whether the code that calls may run in another asynchronous context. */
  take(input: Input, isFromOutside?: boolean): void;
  now(): number;
  /** Whether anybody listens to the events of the run. */
  readonly hasListeners: boolean;
  /** @returns A promise while the run, or the readers of its events, are far behind. */
  takeOutput(attempt: Attempt, part: OutputPart): Promise<void> | undefined;
  /** @throws {StratagemError} when the tasks cannot be added. */
  addTasks(attempt: Attempt, tasks: readonly Task[]): void;
}

/** What a run tells its attempts, when they ask. */
export abstract class AttemptFacts implements Omit<AttemptHost, 'complete' | 'receive'> {
  readonly runId: string;
  readonly hide: AttemptHost['hide'];
  readonly requestOf: AttemptHost['requestOf'];
  protected readonly settings: RunSettings;
  protected readonly kernel: Kernel;
  protected readonly inbox: AttemptInbox;
  readonly #observer: RunObserver | undefined;

  constructor(
    settings: RunSettings,
    kernel: Kernel,
    inbox: AttemptInbox,
    observer: RunObserver | undefined,
  ) {
    const { runId, secretTexts } = settings;
    this.runId = runId;
    this.hide = secretTexts && ((value) => secretTexts.value(value));
    this.requestOf = requestOf.bind(undefined, kernel.state, kernel.fanOut);
    this.settings = settings;
    this.kernel = kernel;
    this.inbox = inbox;
    this.#observer = observer;
  }

  attemptsLeft(index: number, attempt: number): number {
    return this.kernel.attemptsLeft(index, attempt);
  }

  idleLimitOf(index: number): number | undefined {
    return this.kernel.idleLimitOf(index);
  }

  wantsText(index: number): boolean {
    if (this.inbox.hasListeners || this.kernel.isObserved) return true;
    return this.kernel.idleLimitOf(index) !== undefined;
  }

  resourceOf(index: number): string {
    return this.kernel.resourceOf(index);
  }

  criticalPathOf(index: number): number {
    return this.kernel.graph.criticalPathOf(index);
  }

  now(): number {
    return this.inbox.now();
  }

  inputsOf(index: number): Inputs {
    return this.kernel.inputsOf(index);
  }

  failuresBefore(index: number): readonly TaskFailure[] {
    return this.kernel.failuresBefore(index);
  }

  toolResultOf(index: number, key: string): RecordedToolResult | undefined {
    return this.kernel.state.toolCalls.resultOf(index, key);
  }

  toolResultsOf(index: number): readonly RecordedToolResult[] {
    return this.kernel.state.toolCalls.resultsAt(index);
  }

  encode(value: unknown): Json {
    return toData(value, this.settings.codecs);
  }

  stepOf(index: number): Step {
    const kernel = this.kernel;
    const task = kernel.graph.tasks[index] as Task;
    return stepOf(task, kernel.inputsOf(index), kernel.inputNamesOf(index));
  }

  traceOf({ taskId, attempt }: Attempt): TraceContext | undefined {
    return this.#observer?.traceOf(taskId, attempt);
  }

  surroundOf(attempt: Attempt): Surround | undefined {
    return surroundingOf(this.settings.instrumentation, attempt);
  }

  workOf(attempt: Attempt): AttemptWork {
    const { codecs } = this.settings;
    const { task } = attempt;
    if (asksModel(task)) return requestWorkOf(attempt.request, task, codecs);
    if (task.run === undefined) {
      const { step } = attempt;
      return step.kind === 'command' ? step : { ...step, args: toData(step.args, codecs) };
    }
    const inputs = toData({ ...attempt.inputs }, codecs);
    const { attachments } = attempt;
    return {
      ...{ kind: 'function', plan: this.settings.plan.goal, inputs },
      ...(attachments && { attachments: toData(attachments, codecs) }),
    };
  }
}
