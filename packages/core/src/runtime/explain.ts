import type { Journal } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import { resourceOf, type TaskRunner } from '../contract/runner.js';
import type { Strategy, TaskView } from '../contract/strategy.js';
import type { Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import { contentKeyOf } from '../journal/content-key.js';
import { LogReader, understood } from '../journal/read-run.js';
import type { Reuse } from '../journal/reuse.js';
import { Kernel } from '../kernel/kernel.js';
import type { KernelOptions } from '../kernel/options.js';
import { canonical } from '../serialize/canonical.js';
import { type PlanData, planToData } from '../serialize/plan.js';
import { diffPlans, type TaskChange } from '../serialize/plan-diff.js';
import { toDataLoosely } from '../serialize/value.js';
import type { RunState } from '../state/run-state.js';
import { requestOf } from './request.js';

/** Why a task would be done, or would not. */
export type ForecastReason =
  /** Its output is taken from an earlier run. */
  | 'reused'
  /** Its output is put together from those of its subtasks or elements, which all are there. */
  | 'complete'
  /** Its condition does not hold. */
  | 'condition_false'
  /** The run that it is compared with had no such task, or there is none. */
  | 'new'
  /** It is not what it was; `fields` says what of it. */
  | 'changed'
  /** What it is given is another, or is not known before it has been done; `inputs` says what. */
  | 'input_changed'
  /** The model or the settings of the runner are others, or its output is too old. */
  | 'runner_changed'
  /** It was not completed in the run that it is compared with. */
  | 'not_completed'
  /** What functions and tools do cannot be seen: they are always done. */
  | 'function'
  /** A human is asked. */
  | 'asks'
  /** It cannot be done: a list, a condition or a prompt is wrong. */
  | 'fails';

/** What would become of one task. */
export interface TaskForecast {
  readonly taskId: string;
  /** Whether it would be done, and not taken from an earlier run or left out. */
  readonly runs: boolean;
  readonly reason: ForecastReason;
  /** The same in words: `changed: description`. */
  readonly message: string;
  /** The run that its output is taken from. */
  readonly runId?: string;
  readonly fields?: readonly string[];
  readonly inputs?: readonly string[];
}

/** What is needed to look ahead. */
export interface ExplainSettings {
  readonly plan: Plan;
  readonly graph: Graph;
  readonly runner: TaskRunner | undefined;
  readonly journal: Journal;
  readonly reuse: Reuse;
  /** The run to compare with; the newest with the same goal when left out. */
  readonly since: string | undefined;
  readonly now: number;
}

/** Starts whatever is ready. */
const inOrder: Strategy = {
  name: 'explain',
  begin() {
    const ready: TaskView[] = [];
    return { ready: (task) => ready.push(task), next: () => ready.pop() };
  },
};

/**
 * What a run of the plan would do and what it would take from earlier ones, without doing anything:
 * the kernel itself goes as far as known outputs take it.
 */
export async function explain(settings: ExplainSettings): Promise<TaskForecast[]> {
  const { plan, graph, runner, reuse, now } = settings;
  const { goalState: _, budget: __, ...rest } = plan;
  const kernel = new Kernel({ ...UNLIMITED, plan: rest, graph, strategy: inOrder });
  const reused = new Map<number, string>();
  kernel.start(now);
  // What completes adds to them; to take them out from the front would move all that follow each time.
  for (const command of kernel.commands) {
    if (command.type !== 'start' || runner === undefined) continue;
    const found = await known(kernel, command.index, { runner, reuse, now });
    if (found === undefined) continue;
    reused.set(command.index, found.runId);
    kernel.completed(command.index, command.attempt, { output: found.output }, now);
  }
  const before = await baselineOf(settings);
  const forecaster = new Forecaster(kernel, before, diffWith(before, plan), reused);
  return graph.tasks.map((_, index) => forecaster.forecast(index));
}

const UNLIMITED: Omit<KernelOptions, 'plan' | 'graph' | 'strategy'> = {
  maxParallel: Number.POSITIVE_INFINITY,
  failFast: false,
  deadlineMs: Number.POSITIVE_INFINITY,
  timeoutMs: Number.POSITIVE_INFINITY,
  retry: undefined,
  budget: undefined,
  prices: {},
  replan: undefined,
  seed: 0,
  resourceOf: () => 'explain',
};

async function known(
  kernel: Kernel,
  index: number,
  { runner, reuse, now }: { runner: TaskRunner; reuse: Reuse; now: number },
) {
  const task = kernel.graph.tasks[index] as Task;
  if (task.run !== undefined || (task.tools?.length ?? 0) > 0) return undefined;
  let request: ReturnType<typeof requestOf>;
  try {
    request = requestOf(kernel, index, kernel.inputsOf(index));
  } catch {
    return undefined; // The attempt itself will say what is wrong with it.
  }
  const key = await contentKeyOf(request, runner, resourceOf(runner, task));
  return key === undefined ? undefined : reuse.find(key, task.outputSchema, now);
}

/** The run that the plan is compared with. */
interface Baseline {
  readonly planData: PlanData;
  readonly state: RunState;
}

async function baselineOf({
  journal,
  plan,
  since,
}: ExplainSettings): Promise<Baseline | undefined> {
  const runId = since ?? (await journal.list()).find(({ goal }) => goal === plan.goal)?.id;
  if (runId === undefined) return undefined;
  const reader = new LogReader();
  let planData: PlanData | undefined;
  for await (const event of journal.read(runId)) {
    understood(runId, () => reader.read(event));
    if (event.type === 'run_started') planData = event.plan as PlanData;
  }
  return reader.state && planData && { planData, state: reader.state };
}

function diffWith(before: Baseline | undefined, plan: Plan): ReadonlyMap<string, TaskChange> {
  if (before === undefined) return new Map();
  const { tasks } = diffPlans(before.planData, planToData(plan));
  return new Map(tasks.map((change) => [change.taskId, change]));
}

class Forecaster {
  readonly #state: RunState;
  readonly #kernel: Kernel;
  readonly #before: Baseline | undefined;
  readonly #changes: ReadonlyMap<string, TaskChange>;
  readonly #reused: ReadonlyMap<number, string>;

  constructor(
    kernel: Kernel,
    before: Baseline | undefined,
    changes: ReadonlyMap<string, TaskChange>,
    reused: ReadonlyMap<number, string>,
  ) {
    this.#kernel = kernel;
    this.#state = kernel.state;
    this.#before = before;
    this.#changes = changes;
    this.#reused = reused;
  }

  forecast(index: number): TaskForecast {
    const state = this.#state;
    const task = state.graph.tasks[index] as Task;
    const { id: taskId } = task;
    const runId = this.#reused.get(index);
    if (runId !== undefined) {
      return { taskId, runs: false, reason: 'reused', message: `reused from run ${runId}`, runId };
    }
    const is = (runs: boolean, reason: ForecastReason, message: string) =>
      ({ taskId, runs, reason, message }) as const;
    switch (state.statusOf(index)) {
      case 'completed':
        return is(false, 'complete', 'complete with its subtasks');
      case 'skipped':
        return state.reasonOf(index) === 'condition_false'
          ? is(false, 'condition_false', 'its condition does not hold')
          : is(false, 'fails', `what it needs fails: ${state.failedTaskIdOf(index)}`);
      case 'failed':
        return is(false, 'fails', state.errorOf(index)?.message ?? '');
    }
    return { taskId, runs: true, ...this.#why(index, task) };
  }

  #why(index: number, task: Task): Omit<TaskForecast, 'taskId' | 'runs'> {
    const change = this.#changes.get(task.id);
    const before = this.#before?.state.graph.indexOf(task.id);
    if (before === undefined || change?.kind === 'added') return { reason: 'new', message: 'new' };
    if (change !== undefined) {
      const { fields } = change;
      return { reason: 'changed', message: `changed: ${fields.join(', ')}`, fields };
    }
    const inputs = this.#otherInputs(index);
    if (inputs.length > 0) {
      const message = `input of ${inputs.join(', ')} changed`;
      return { reason: 'input_changed', message, inputs };
    }
    if (task.waitFor !== undefined) return { reason: 'asks', message: 'a human is asked' };
    if (task.run !== undefined || (task.tools?.length ?? 0) > 0) {
      return { reason: 'function', message: 'what functions and tools do cannot be seen' };
    }
    if (this.#before?.state.statusOf(before) !== 'completed') {
      return { reason: 'not_completed', message: 'not completed before' };
    }
    const message = 'the model or the settings of its runner changed, or its output is too old';
    return { reason: 'runner_changed', message };
  }

  /** The inputs that are not known, or are not what they were. */
  #otherInputs(index: number): string[] {
    const state = this.#state;
    const { graph } = state;
    const others: string[] = [];
    const visit = (other: number) => {
      const { id } = graph.tasks[other] as Task;
      if (state.reasonOf(other) === 'condition_false') return;
      if (state.statusOf(other) !== 'completed' || !this.#isAsBefore(other)) others.push(id);
    };
    graph.eachDependency(index, visit);
    graph.eachChild(index, visit);
    return others;
  }

  #isAsBefore(index: number): boolean {
    const before = this.#before?.state;
    const { id } = this.#kernel.graph.tasks[index] as Task;
    const other = before?.graph.indexOf(id);
    if (before === undefined || other === undefined) return false;
    const written = (output: unknown) => canonical(toDataLoosely(output));
    return written(before.outputOf(other)) === written(this.#state.outputOf(index));
  }
}
