import type { RunEvent, Task } from '@stratagem/core';
import {
  describeOrigin,
  type PartKind,
  type RunAnalysis,
  RunAnalyzer,
  type TaskAnalysis,
} from '@stratagem/core/analysis';
import { eventLine } from './event-line.js';
import { round } from './round.js';
import type {
  Cause,
  EventLine,
  Figures,
  ModelError,
  ModelStatus,
  Part,
  RunModel,
  ShownStatus,
  TaskDetail,
  TaskModel,
} from './run-model.js';
import { taskModelOf } from './task-model.js';
import { TaskTexts } from './task-texts.js';
import { oneLine } from './texts.js';
import { wellFormed } from './well-formed.js';

const CAUSE_OF_PART: Readonly<Record<PartKind, Cause>> = {
  ...{ work: 'run', free_slot: 'cap', rate_limit: 'limit', retry: 'retry', person: 'human' },
  ...{ paused: 'hold', budget: 'budget', strategy: 'strategy', queue: 'queue', replan: 'replan' },
  scheduling: 'other',
};

export interface ModelOptions {
  /** Unix time in milliseconds up to which a run under way is shown. */
  readonly now?: number | undefined;
  /** Overrides what the log says: `interrupted` when nobody writes it. */
  readonly status?: ModelStatus | undefined;
  readonly leftMs?: number | undefined;
  readonly notice?: string | undefined;
}

/** Builds the model of a run from its events. */
export class ModelBuilder {
  readonly #runId: string | undefined;
  readonly #analyzer = new RunAnalyzer();
  readonly #models = new Set<string>();
  readonly #inputs = new Map<string, readonly string[]>();
  #lines: EventLine[] = [];
  #texts = new TaskTexts();
  #restarts = 0;
  #sequence = -1;
  #startedAt = 0;
  #downtimeMs = 0;
  #hasLostWork = false;
  #isPaused = false;
  #error: ModelError | undefined;
  /** Of the events so far; read tasks of it are kept. */
  #analysis: RunAnalysis | undefined;

  constructor(runId?: string) {
    this.#runId = runId;
  }

  /** The number of the last event. */
  get sequence(): number {
    return this.#sequence;
  }

  /** How often the log started again, with a changed plan. */
  get restarts(): number {
    return this.#restarts;
  }

  get isEmpty(): boolean {
    return this.#sequence < 0;
  }

  add(event: RunEvent): void {
    if (event.type === 'run_started') this.#restart(event.timestamp);
    if (event.type === 'run_resumed') this.#downtimeMs += event.downtimeMs;
    this.#analyzer.add(event);
    this.#analysis = undefined;
    this.#texts.add(event);
    this.#sequence = event.sequence;
    const at = Math.max(0, event.timestamp - this.#startedAt - this.#downtimeMs);
    const line = eventLine(event, round(at));
    if (line !== undefined) this.#lines.push(line);
    switch (event.type) {
      case 'task_completed':
        if (event.model !== undefined) this.#models.add(event.model);
        break;
      case 'run_paused':
        this.#isPaused = true;
        break;
      case 'run_unpaused':
        this.#isPaused = false;
        break;
      case 'run_resumed':
        [this.#isPaused, this.#error] = [false, undefined];
        if (event.restarted.length > 0) this.#hasLostWork = true;
        break;
      case 'run_failed':
      case 'run_canceled':
        this.#error = { code: event.error.code, message: event.error.message };
        break;
    }
  }

  /** An accepted change of the plan starts the run again in the same log. */
  #restart(startedAt: number): void {
    if (this.#lines.length > 0) this.#restarts++;
    this.#lines = [];
    this.#texts = new TaskTexts();
    this.#startedAt = startedAt;
    this.#downtimeMs = 0;
    this.#hasLostWork = false;
    this.#inputs.clear();
    this.#error = undefined;
  }

  /** The texts of a task; undefined for an unknown one. */
  detail(taskId: string, limit: number): TaskDetail | undefined {
    this.#analysis ??= this.#analyzer.analyze();
    return this.#texts.detail(this.#analysis, taskId, limit);
  }

  /** @throws {OptionError} before the first event. */
  model(options: ModelOptions = {}): RunModel {
    const isOver = options.status !== undefined && !isUnderWay(options.status);
    // The time of a run that nobody continues stops at its last event.
    const run = this.#analyzer.analyze({ now: isOver ? undefined : options.now });
    this.#analysis = run;
    const status = options.status ?? run.status;
    const isLive = isUnderWay(status);
    const parts = partsOf(run);
    const tasks = run.tasks.map((task) => this.#taskModel(run, task));
    return {
      ...{ runId: this.#runId, goal: wellFormed(run.goal), status, strategy: run.strategy },
      ...{ models: [...this.#models], startedAt: run.startedAt, now: round(run.makespanMs) },
      ...{ isLive, isPaused: isLive && this.#isPaused },
      ...(this.#error !== undefined && { error: this.#error }),
      sequence: this.#sequence,
      figures: figuresOf(run, tasks, options.leftMs, this.#hasLostWork || status === 'interrupted'),
      parts,
      sums: sumsOf(parts),
      failures: run.failures.map(({ message, taskIds }) => ({
        message: oneLine(message, 300),
        tasks: taskIds,
      })),
      concurrency: run.concurrency.flatMap(({ atMs, running }, index, steps) =>
        steps[index - 1]?.running === running ? [] : [[round(atMs), running] as const],
      ),
      caps: run.concurrency.flatMap(({ atMs, limit }, index, steps) =>
        index > 0 && steps[index - 1]?.limit === limit ? [] : [[round(atMs), limit] as const],
      ),
      pauses: run.pauses.flatMap(({ startMs, endMs, resource }) =>
        resource === undefined ? [] : [{ from: round(startMs), to: round(endMs), resource }],
      ),
      holds: run.pauses.flatMap(({ startMs, endMs, resource }) =>
        resource === undefined ? [[round(startMs), round(endMs)] as const] : [],
      ),
      tasks,
      events: [...this.#lines],
      ...(run.forkedFrom !== undefined && {
        forkedFrom: {
          runId: run.forkedFrom.runId,
          text: describeOrigin({ ...run.forkedFrom, runId: undefined }),
        },
      }),
      ...(options.notice !== undefined && { notice: options.notice }),
    };
  }

  #taskModel(run: RunAnalysis, analysis: TaskAnalysis): TaskModel {
    const inputs = this.#inputsOf(run, analysis);
    return taskModelOf(run, analysis, inputs, {
      prompt: this.#texts.promptLine(run, analysis),
      question: this.#texts.questionOf(analysis.id),
      calls: this.#texts.callsOf(analysis.id),
    });
  }

  /** Its dependencies; a task without any has those of its group. */
  #inputsOf(run: RunAnalysis, { id, task, parent }: TaskAnalysis): readonly string[] {
    const known = this.#inputs.get(id);
    if (known !== undefined) return known;
    const own = (task as Task).dependencies ?? [];
    const above = own.length === 0 && parent !== undefined ? run.task(parent) : undefined;
    const inputs = above === undefined ? own : this.#inputsOf(run, above);
    this.#inputs.set(id, inputs);
    return inputs;
  }
}

function partsOf(run: RunAnalysis): Part[] {
  const parts: Part[] = [];
  for (const { part, startMs, endMs, taskId = '' } of run.criticalPath.segments) {
    const cause = CAUSE_OF_PART[part];
    const last = parts.at(-1);
    // A failed attempt and the delay after it are one part.
    if (last?.cause === cause && last.task === taskId) {
      parts[parts.length - 1] = { ...last, to: round(endMs) };
    } else parts.push({ cause, from: round(startMs), to: round(endMs), task: taskId });
  }
  return parts;
}

function sumsOf(parts: readonly Part[]): Partial<Record<Cause, number>> {
  const sums: Partial<Record<Cause, number>> = {};
  for (const { cause, from, to } of parts) sums[cause] = (sums[cause] ?? 0) + to - from;
  return sums;
}

function figuresOf(
  { metrics, makespanMs }: RunAnalysis,
  tasks: readonly TaskModel[],
  leftMs: number | undefined,
  hasLostWork: boolean,
): Figures {
  const counts: Record<ShownStatus, number> = {
    ...{ completed: 0, failed: 0, running: 0, retrying: 0, waiting: 0 },
    ...{ skipped: 0, canceled: 0, pending: 0 },
  };
  // An open group runs only through its tasks.
  for (const { status, children } of tasks) {
    counts[children !== undefined && status === 'running' ? 'pending' : status]++;
  }
  const worked = metrics.totalWorkMs + openWork(tasks, makespanMs);
  const own = Math.max(makespanMs - metrics.humanWaitMs, 1);
  return {
    ...{ total: tasks.length, counts, workMs: round(worked), peak: metrics.peakConcurrency },
    ...(!hasLostWork && { speedup: round(worked / own) }),
    inputTokens: metrics.usage.inputTokens,
    outputTokens: metrics.usage.outputTokens,
    costUsd: metrics.costUsd,
    ...(leftMs !== undefined && { leftMs }),
  };
}

function isUnderWay(status: ModelStatus): boolean {
  return status === 'running' || status === 'created';
}

/** The work of attempts in flight, which metrics leave out. */
function openWork(tasks: readonly TaskModel[], now: number): number {
  let sum = 0;
  for (const { segments } of tasks) {
    const last = segments.at(-1);
    if (last?.kind === 'run' && last.to === undefined) sum += Math.max(0, now - last.from);
  }
  return sum;
}
