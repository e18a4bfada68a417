import { type RunFold, wasRefused } from '../analysis/run-fold.js';
import { workOf } from '../analysis/task-analysis.js';
import type { AttemptRecord, TaskRecord } from '../analysis/task-record.js';
import { RunnerError } from '../contract/errors.js';
import type { Plan } from '../contract/plan.js';
import { ReadyTasks } from '../contract/ready-tasks.js';
import type { RetryPolicy } from '../contract/retry.js';
import type { Strategy, TaskView } from '../contract/strategy.js';
import type { Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import type { SimulateOptions } from './options.js';
import type { ReplayOptions } from './replay-options.js';

interface ReplayedRun
  extends Required<Pick<SimulateOptions, 'strategy' | 'attempt' | 'answer' | 'resourceOf'>> {
  readonly plan: Plan;
}

/**
 * A plan of plain tasks that repeats what the tasks of a run did. What took no attempt, such as a group
 * or a skipped task, becomes a human step that is answered after the recorded time: it needs no place.
 */
export function replayPlan(fold: RunFold, options: ReplayOptions): ReplayedRun {
  const { graph, tasks: records } = fold;
  const attempts = records.map((record) => attemptsOf(record, options));
  const gates: Task[] = [];
  const tasks = records.map((record): Task => {
    const { index } = record;
    const { id } = graph.taskOf(index);
    const dependencies = new Set(dependenciesOf(fold, record));
    const gate = gateOf(fold, record);
    if (gate !== undefined) {
      if (!gates.some((each) => each.id === gate.id)) gates.push(gate);
      dependencies.add(gate.id);
    }
    const common = { id, description: id, dependencies: [...dependencies] };
    if ((attempts[index] as readonly unknown[]).length === 0) {
      return { ...common, waitFor: 'approval' };
    }
    return { ...common, retry: AS_RECORDED };
  });
  const indexOf = ({ id }: Task) => graph.indexOf(id) as number;
  return {
    plan: { goal: fold.goal, tasks: [...tasks, ...gates] },
    strategy: inRecordedOrder(records),
    attempt: (task, number) => {
      const index = indexOf(task);
      const list = attempts[index] as readonly AttemptRecord[];
      const each = list[number - 1] as AttemptRecord;
      const durationMs = (each.endMs ?? fold.clock.latest) - each.beginMs;
      if (number === list.length) return { durationMs };
      return { durationMs, error: failureOf(each, records[index] as TaskRecord) };
    },
    answer: (task) => {
      const index = graph.indexOf(task.id);
      const afterMs =
        index === undefined
          ? (task.estimate?.durationMs ?? 0)
          : workOf(records[index] as TaskRecord, fold.clock.latest);
      return { afterMs, answer: true };
    },
    resourceOf: (task) => {
      const index = indexOf(task);
      return (
        records[index]?.resource ??
        (index === undefined ? undefined : fold.state.usualResourceOf(index)) ??
        'replay'
      );
    },
  };
}

/** The recorded attempts say how often a task was tried, and the errors how long until the next. */
const AS_RECORDED: RetryPolicy = {
  maxAttempts: Number.MAX_SAFE_INTEGER,
  initialDelayMs: 0,
  on: ['server_error', 'rate_limited', 'overloaded'],
};

/** A failure that is repeated after the recorded delay. */
function failureOf(attempt: AttemptRecord, { phases }: TaskRecord): RunnerError {
  const { error } = attempt;
  if (error !== undefined && wasRefused(attempt)) {
    return new RunnerError(error.code, error.message, { retryAfterMs: error.retryAfterMs });
  }
  const delay = phases.find((phase) => phase.kind === 'backoff' && phase.attempt === attempt);
  const retryAfterMs = Math.max(0, (delay?.untilMs ?? 0) - (delay?.startMs ?? 0));
  return new RunnerError('server_error', 'replayed', { retryAfterMs, isRetryable: true });
}

/** The attempts to repeat; the last one decides. */
function attemptsOf(
  { attempts = [] }: TaskRecord,
  { withoutRetries, withoutRateLimits }: ReplayOptions,
): readonly AttemptRecord[] {
  return attempts.filter((attempt, position) => {
    if (position === attempts.length - 1) return true;
    return wasRefused(attempt) ? !withoutRateLimits : !withoutRetries;
  });
}

/** Its own dependencies, those of its groups, and its children: a group ends after them. */
function* dependenciesOf({ graph }: RunFold, { index, bornBy }: TaskRecord): Generator<string> {
  const ids: string[] = [];
  const add = (other: number) => ids.push(graph.taskOf(other).id);
  for (let each: number | undefined = index; each !== undefined; ) {
    graph.eachDependency(each, add);
    each = graph.hasFamilies ? graph.parentOf(each) : undefined;
  }
  graph.eachChild(index, add);
  yield* ids;
  // A fan-out makes its items; other tasks add tasks that come after them.
  if (bornBy >= 0 && !isWithin(graph, index, bornBy)) yield graph.taskOf(bornBy).id;
}

function isWithin(graph: Graph, index: number, group: number): boolean {
  for (let each: number | undefined = index; each !== undefined; ) {
    if (each === group) return true;
    each = graph.hasFamilies ? graph.parentOf(each) : undefined;
  }
  return false;
}

/** What makes a task wait that no other task added: the planner, or somebody outside. */
function gateOf({ graph, rounds }: RunFold, record: TaskRecord): Task | undefined {
  const { bornMs, bornBy, bornIn } = record;
  if (bornMs === 0 || bornBy >= 0) return undefined;
  const round = rounds[bornIn];
  const since = round === undefined ? 0 : round.startMs;
  return {
    id: `\u2063added at ${bornMs}`,
    description: 'added',
    waitFor: 'approval',
    dependencies: round === undefined || round.after < 0 ? [] : [graph.taskOf(round.after).id],
    estimate: { durationMs: bornMs - since },
  };
}

/** Ready tasks start in the order in which they started. */
function inRecordedOrder(records: readonly TaskRecord[]): Strategy {
  const order = new Map<number, number>();
  const started = records
    .filter(({ attempts }) => attempts !== undefined)
    .sort((a, b) => startOf(a) - startOf(b));
  for (const [position, { index }] of started.entries()) order.set(index, position);
  const orderOf = ({ index }: TaskView) => order.get(index) ?? Number.MAX_SAFE_INTEGER;
  return {
    name: 'replay',
    maxParallel: Number.POSITIVE_INFINITY,
    begin(run) {
      const ready = new ReadyTasks(run, (a, b) => orderOf(a) - orderOf(b) || a.index - b.index);
      return { ready: (task) => ready.push(task), next: () => ready.pop() };
    },
  };
}

function startOf({ attempts }: TaskRecord): number {
  return attempts?.[0]?.startMs ?? 0;
}
