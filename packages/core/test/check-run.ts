import { expect } from 'vitest';
import type { PlanEvent } from '../src/event.js';
import { Graph, Trait } from '../src/graph.js';
import { computeMetrics } from '../src/metrics.js';
import type { PlanResult } from '../src/result.js';
import { RunState, type TaskStatus } from '../src/run-state.js';
import { doesOwnWork, type Task } from '../src/task.js';
import type { RandomRun } from './random-runs.js';

const ENDS = ['task_completed', 'task_failed', 'task_skipped', 'task_canceled'];
const PLAN_ENDS = ['plan_completed', 'plan_failed', 'plan_canceled'];
const SETTLED: readonly TaskStatus[] = ['completed', 'failed', 'skipped', 'canceled'];

/** Checks what must hold in every run, by its log. */
export function checkRun({ plan, options }: RandomRun, result: PlanResult): void {
  const { timeline } = result;
  // Every strategy of these runs goes on; only a kernel that forgot something could be stuck.
  expect(result.error?.code).not.toBe('invalid_strategy');
  checkOrder(timeline);
  const state = new RunState(new Graph(plan.tasks));
  const watch = new Watch(state, { plan, options });
  for (const event of timeline) {
    watch.before(event);
    state.apply(event);
  }
  watch.atTheEnd(result);

  // The log alone tells the same story.
  const { graph } = state;
  expect(Array.from({ length: graph.size }, (_, index) => state.resultOf(index))).toEqual(
    result.tasks,
  );
  expect(state.status).toBe(result.status);
  expect(computeMetrics(timeline)).toEqual(result.metrics);
}

function checkOrder(timeline: readonly PlanEvent[]): void {
  expect(timeline.map(({ sequence }) => sequence)).toEqual(timeline.map((_, index) => index));
  for (let index = 1; index < timeline.length; index++) {
    const [before, after] = [timeline[index - 1], timeline[index]] as [PlanEvent, PlanEvent];
    expect(after.timestamp).toBeGreaterThanOrEqual(before.timestamp);
  }
  expect(timeline[0]?.type).toBe('plan_started');
  expect(timeline.filter(({ type }) => type === 'plan_started')).toHaveLength(1);
  expect(timeline.filter(({ type }) => PLAN_ENDS.includes(type))).toHaveLength(1);
  expect(PLAN_ENDS).toContain(timeline.at(-1)?.type);
}

/** Follows a log event by event, with the state up to then. */
class Watch {
  readonly #state: RunState;
  readonly #run: RandomRun;
  readonly #ended = new Set<string>();
  /** For tasks that are to be tried again, when. */
  readonly #notBefore = new Map<string, number>();
  #cap = Number.POSITIVE_INFINITY;
  #paused = false;
  #stopped = false;
  #started = 0;

  constructor(state: RunState, run: RandomRun) {
    this.#state = state;
    this.#run = run;
  }

  before(event: PlanEvent): void {
    switch (event.type) {
      case 'strategy_initialized':
      case 'max_parallel_changed':
        this.#cap = event.maxParallel ?? Number.POSITIVE_INFINITY;
        break;
      case 'plan_paused':
      case 'plan_resumed':
        this.#paused = event.type === 'plan_paused';
        break;
      case 'goal_achieved':
      case 'budget_exceeded':
        this.#stopped = true;
        break;
      case 'task_started':
        this.#onStart(event);
        break;
      case 'task_waiting':
        this.#mayBegin(event.taskId);
        break;
      case 'tasks_added':
        if (event.source === 'for_each') this.#mayBegin(event.taskId as string);
        break;
      case 'task_retrying':
        expect(event.delayMs).toBeGreaterThanOrEqual(event.error.retryAfterMs ?? 0);
        this.#notBefore.set(event.taskId, event.timestamp + event.delayMs);
        break;
      case 'task_skipped':
        if (event.reason === 'fail_fast') this.#stopped = true;
        break;
    }
    if (ENDS.includes(event.type)) {
      const { taskId } = event as { taskId: string };
      expect(this.#ended.has(taskId), `${taskId} ends twice`).toBe(false);
      this.#ended.add(taskId);
    }
  }

  #onStart(event: Extract<PlanEvent, { type: 'task_started' }>): void {
    const { taskId, attempt, timestamp } = event;
    const { index, task } = this.#find(taskId);
    expect(this.#stopped, `${taskId} starts although the run winds down`).toBe(false);
    expect(this.#paused, `${taskId} starts during a pause`).toBe(false);
    expect(this.#state.running + 1, 'attempts in flight').toBeLessThanOrEqual(this.#cap);
    expect(attempt).toBe(this.#state.attemptsOf(index) + 1);
    const { maxAttempts = 3 } = task.retry ?? this.#run.plan.retry ?? {};
    expect(attempt).toBeLessThanOrEqual(maxAttempts);
    expect(timestamp).toBeGreaterThanOrEqual(this.#notBefore.get(taskId) ?? 0);
    if (attempt === 1) this.#started++;
    expect(this.#started).toBeLessThanOrEqual(this.#run.plan.budget?.tasks ?? this.#started);
    this.#mayBegin(taskId);
    // A group that is done itself comes after its children.
    this.#state.graph.eachChild(index, (child) => this.#isSettled(child));
  }

  /** A task begins when its dependencies are settled, and those of what it belongs to. */
  #mayBegin(taskId: string): void {
    const { index } = this.#find(taskId);
    const { graph } = this.#state;
    expect(this.#state.statusOf(index)).toBe('pending');
    for (let at: number | undefined = index; at !== undefined; at = graph.parentOf(at)) {
      graph.eachDependency(at, (dependency) => this.#isSettled(dependency));
    }
  }

  #isSettled(index: number): void {
    expect(SETTLED, graphId(this.#state, index)).toContain(this.#state.statusOf(index));
  }

  #find(id: string): { index: number; task: Task } {
    const index = this.#state.graph.indexOf(id) as number;
    return { index, task: this.#state.graph.tasks[index] as Task };
  }

  atTheEnd(result: PlanResult): void {
    const state = this.#state;
    const { graph } = state;
    expect(this.#ended.size).toBe(graph.size);
    expect(state.settled).toBe(graph.size);
    expect(state.running).toBe(0);
    for (let index = 0; index < graph.size; index++) this.#checkEnd(index, result);
    const tokens = this.#run.plan.budget?.tokens;
    if (tokens !== undefined) expect(state.spending.totalTokens).toBeLessThanOrEqual(tokens);
    if (result.status === 'completed' && !this.#stopped) {
      expect(state.failures).toBe(0);
    }
  }

  #checkEnd(index: number, result: PlanResult): void {
    const state = this.#state;
    const { graph } = state;
    const task = graph.tasks[index] as Task;
    const status = state.statusOf(index);
    const dependencies: number[] = [];
    graph.eachDependency(index, (dependency) => dependencies.push(dependency));
    const notChosen = dependencies.filter((each) => state.reasonOf(each) === 'not_chosen');
    const failed = dependencies.filter((each) => isFailure(each, state));
    const parent = graph.parentOf(index);

    if (status === 'completed') {
      expect(failed).toEqual([]);
      if (dependencies.length > 0) expect(notChosen.length).toBeLessThan(dependencies.length);
    }
    if (state.reasonOf(index) === 'not_chosen') {
      const all = notChosen.length === dependencies.length && dependencies.length > 0;
      const withParent = parent !== undefined && state.reasonOf(parent) === 'not_chosen';
      expect(all || withParent || task.when !== undefined, `${task.id} was not chosen`).toBe(true);
    }
    if (state.reasonOf(index) === 'dependency_failed') {
      const withParent = parent !== undefined && state.statusOf(parent) !== 'completed';
      expect(failed.length > 0 || withParent, `${task.id} was skipped for a failure`).toBe(true);
      const culprit = graph.indexOf(state.failedTaskIdOf(index) as string) as number;
      expect(state.statusOf(culprit)).toBe('failed');
    }
    if (status === 'failed' && result.status === 'completed' && !this.#stopped) {
      expect(graph.traitsOf(index) & Trait.item).not.toBe(0);
    }
    if (status === 'completed' && task.forEach === undefined && !doesOwnWork(task)) {
      graph.eachChild(index, (child) => expect(isFailure(child, state)).toBe(false));
    }
  }
}

function isFailure(index: number, state: RunState): boolean {
  const status = state.statusOf(index);
  if (status === 'failed' || status === 'canceled') return true;
  return status === 'skipped' && state.reasonOf(index) !== 'not_chosen';
}

function graphId({ graph }: RunState, index: number): string {
  return (graph.tasks[index] as Task).id;
}
