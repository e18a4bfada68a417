import fc from 'fast-check';
import { RunnerError } from '../src/errors.js';
import type { GoalCriterion } from '../src/goal.js';
import { hashUnit } from '../src/hash.js';
import { Heap } from '../src/heap.js';
import type { Plan } from '../src/plan.js';
import type { SimulatedAttempt, SimulateOptions } from '../src/simulate.js';
import type { Strategy, TaskView } from '../src/strategy.js';
import type { Task } from '../src/task.js';

/** What a random run may have. A failing run is shrunk to the fewest that still make it fail. */
const FEATURES = [
  'subtasks',
  'forEach',
  'when',
  'waitFor',
  'failures',
  'retry',
  'timeouts',
  'addTasks',
  'failFast',
  'deadline',
  'budget',
  'goal',
  'pause',
  'cap',
  'cancel',
  'strategy',
] as const;

type Feature = (typeof FEATURES)[number];

export interface RandomRun {
  readonly plan: Plan;
  readonly options: SimulateOptions;
}

/** Everything about a run follows from these. */
export interface Recipe {
  readonly seed: number;
  readonly size: number;
  readonly features: readonly Feature[];
}

export const recipes: fc.Arbitrary<Recipe> = fc.record({
  seed: fc.nat(),
  size: fc.integer({ min: 1, max: 14 }),
  features: fc.subarray([...FEATURES]),
});

/** Draws that depend on the seed and on what they are for, and on nothing that was drawn before. */
class Dice {
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  below(bound: number, what: string): number {
    return Math.floor(hashUnit(what, this.#seed) * bound);
  }

  chance(share: number, what: string): boolean {
    return hashUnit(what, this.#seed) < share;
  }

  pick<T>(list: readonly T[], what: string): T {
    return list[this.below(list.length, what)] as T;
  }
}

const CODES = ['rate_limited', 'server_error', 'timeout', 'refused', 'task_failed'] as const;

export function randomRun({ seed, size, features }: Recipe): RandomRun {
  const dice = new Dice(seed);
  const has = (feature: Feature) => features.includes(feature);
  const builder = new TaskBuilder(dice, has);
  const tasks = builder.list('t', size, [], 1);
  builder.roots.push(...tasks.map(({ id }) => id));
  const plan: Plan = {
    goal: 'random',
    tasks,
    ...(has('retry') && { retry: retryOf(dice, 'plan') }),
    ...(has('timeouts') && dice.chance(0.5, 'plan timeout') && { timeoutMs: 60 }),
    ...(has('goal') && goalOf(dice, tasks)),
    ...(has('budget') && { budget: budgetOf(dice) }),
  };
  return { plan, options: optionsOf(dice, has, builder) };
}

class TaskBuilder {
  /** The tasks of the plan itself. */
  readonly roots: string[] = [];
  readonly #dice: Dice;
  readonly #has: (feature: Feature) => boolean;

  constructor(dice: Dice, has: (feature: Feature) => boolean) {
    this.#dice = dice;
    this.#has = has;
  }

  /** Tasks that depend on earlier ones of the list, or on what is outside. */
  list(prefix: string, count: number, outside: readonly string[], depth: number): Task[] {
    const tasks: Task[] = [];
    for (let position = 0; position < count; position++) {
      const known = [...outside, ...tasks.map(({ id }) => id)];
      tasks.push(this.#task(`${prefix}${position}`, known, depth));
    }
    // The order of a plan need not be that of its dependencies.
    if (this.#dice.chance(0.3, `${prefix} reversed`)) tasks.reverse();
    return tasks;
  }

  #task(id: string, known: readonly string[], depth: number): Task {
    const dice = this.#dice;
    const wanted = dice.below(4, `${id} dependencies`);
    const dependencies = Array.from({ length: wanted }, (_, n) => `${id} dependency ${n}`)
      .map((what) => known[dice.below(known.length * 2, what)])
      .filter((each) => each !== undefined);
    const unique = [...new Set(dependencies)];
    const base = { id, description: id, dependencies: unique };
    const tokens = dice.below(50, `${id} tokens`);
    return {
      ...base,
      ...(this.#has('budget') && { estimate: { tokens } }),
      ...(this.#has('retry') && dice.chance(0.3, `${id} retry`) && { retry: retryOf(dice, id) }),
      ...(this.#has('timeouts') && dice.chance(0.3, `${id} timeout`) && { timeoutMs: 25 }),
      ...this.#when(id, unique),
      ...this.#kind(id, unique, depth),
    };
  }

  #when(id: string, dependencies: readonly string[]): Partial<Task> {
    const dice = this.#dice;
    const [first] = dependencies;
    if (!this.#has('when') || first === undefined || !dice.chance(0.4, `${id} when`)) return {};
    if (dice.chance(0.1, `${id} when throws`)) {
      const when = () => {
        throw new Error('no condition');
      };
      return { when };
    }
    const kind = { path: `${first}.kind`, operator: '==', value: 'a' } as const;
    return { when: dice.pick([kind, { not: kind }, { any: [kind] }], `${id} condition`) };
  }

  /** A plain task, a fan-out, a group or a human step. */
  #kind(id: string, dependencies: readonly string[], depth: number): Partial<Task> {
    const dice = this.#dice;
    const [first] = dependencies;
    if (this.#has('waitFor') && dice.chance(0.15, `${id} waits`)) {
      const { estimate: _, ...none } = { estimate: undefined, retry: undefined };
      const timeoutMs = 1 + dice.below(60, `${id} patience`);
      const kind = dice.pick(['approval', 'answer'] as const, `${id} kind`);
      const answers = [undefined, true, ...(kind === 'approval' ? [false] : [{ kind: 'a' }])];
      const fallback = dice.pick(answers, `${id} default`);
      const waitFor = { kind, timeoutMs, ...(fallback !== undefined && { default: fallback }) };
      return { ...none, timeoutMs: undefined, waitFor } as Partial<Task>;
    }
    const subtasks = () => {
      if (!this.#has('subtasks') || depth >= 4 || !dice.chance(0.3, `${id} group`)) return {};
      const own = dice.pick([{ type: 'aggregate' }, {}] as const, `${id} aggregate`);
      const list = this.list(
        `${id}.`,
        1 + dice.below(3, `${id} subtasks`),
        dependencies,
        depth + 1,
      );
      // What has no effect on a group is refused.
      const idle = own.type === undefined ? { retry: undefined, timeoutMs: undefined } : {};
      return { ...own, ...idle, subtasks: list } as Partial<Task>;
    };
    if (this.#has('forEach') && first !== undefined && dice.chance(0.35, `${id} fans out`)) {
      const items = dice.chance(0.1, `${id} no list`) ? `${first}.kind` : `${first}.list`;
      const minSuccess = dice.pick([0, 1, 2, '50%', '100%'] as const, `${id} min`);
      const maxItems = dice.chance(0.1, `${id} max`) ? 1 : 100;
      return { ...subtasks(), forEach: { items, minSuccess, maxItems } };
    }
    return subtasks();
  }
}

function retryOf(dice: Dice, what: string) {
  return {
    maxAttempts: 1 + dice.below(4, `${what} attempts`),
    initialDelayMs: dice.below(30, `${what} delay`),
    maxDelayMs: 40,
    ...(dice.chance(0.3, `${what} on`) && { on: ['refused', 'timeout'] as const }),
  };
}

function goalOf(dice: Dice, tasks: readonly Task[]): Partial<Plan> {
  const some = dice.pick(tasks, 'goal task').id;
  const criteria: readonly GoalCriterion[] = [
    { count: 'outputs.*.list', operator: '>=', value: dice.below(20, 'goal count') },
    { path: 'metrics.completedTasks', operator: '>', value: dice.below(12, 'goal tasks') },
    { path: `outputs.${some}.kind`, operator: 'matches', value: '^a', weight: 2 },
    { path: 'metrics.executionTimeMs', operator: '<', value: 100 },
  ];
  const length = 1 + dice.below(4, 'goal criteria');
  return {
    goalState: {
      criteria: criteria.slice(0, length),
      threshold: dice.pick([0.3, 0.7, 1], 'goal threshold'),
      whenAchieved: dice.pick(['finish', 'abort'] as const, 'goal end'),
    },
    goalCheckInterval: 1 + dice.below(3, 'goal interval'),
  };
}

function budgetOf(dice: Dice) {
  return dice.pick(
    [
      { tasks: 1 + dice.below(10, 'budget tasks') },
      { tokens: 1 + dice.below(300, 'budget tokens') },
      { wallTimeMs: 1 + dice.below(120, 'budget time') },
      { costUsd: 0.001 + dice.below(10, 'budget cost') / 100 },
    ],
    'budget',
  );
}

function optionsOf(
  dice: Dice,
  has: (feature: Feature) => boolean,
  builder: TaskBuilder,
): SimulateOptions {
  const added = new Set<string>();
  const actions = [];
  if (has('pause')) {
    const atMs = dice.below(60, 'pause');
    actions.push({ atMs, act: (run: { pause(): void }) => run.pause() });
    const until = atMs + dice.below(60, 'resume');
    actions.push({ atMs: until, act: (run: { resume(): void }) => run.resume() });
  }
  if (has('cap')) {
    for (const n of [0, 1, 2]) {
      const cap = 1 + dice.below(6, `cap ${n}`);
      const act = (run: { setMaxParallel(cap: number): void }) => run.setMaxParallel(cap);
      actions.push({ atMs: dice.below(80, `cap time ${n}`), act });
    }
  }
  if (has('cancel')) {
    const act = (run: { cancel(reason: unknown): void }) => run.cancel('enough');
    actions.push({ atMs: dice.below(120, 'cancel'), act });
  }
  return {
    strategy: has('strategy') ? strategyOf(dice) : inOrder,
    maxParallel: 1 + dice.below(5, 'max parallel'),
    seed: dice.below(1_000, 'seed'),
    actions,
    ...(has('failFast') && { failFast: true }),
    ...(has('deadline') && { deadlineMs: 1 + dice.below(200, 'deadline') }),
    ...(has('budget') && { prices: { known: { inputPerMillion: 50, outputPerMillion: 200 } } }),
    attempt: (task, attempt) => attemptOf(dice, has, builder, added, task, attempt),
    answer: (task) => ({
      afterMs: dice.below(80, `${task.id} answers`),
      answer: dice.pick([true, false, { kind: 'a', list: [1] }], `${task.id} answer`),
    }),
  };
}

function attemptOf(
  dice: Dice,
  has: (feature: Feature) => boolean,
  builder: TaskBuilder,
  added: Set<string>,
  task: Task,
  attempt: number,
): SimulatedAttempt {
  const { id } = task;
  const what = `${id} ${attempt}`;
  const durationMs = dice.below(40, `${what} duration`);
  const tokens = task.estimate?.tokens ?? 0;
  const usage = { inputTokens: tokens, outputTokens: 0 };
  const model = dice.chance(0.95, `${what} model`) ? 'known' : 'unknown';
  const used = has('budget') ? { usage, model } : {};
  if (has('failures') && dice.chance(0.3, `${what} fails`)) {
    const retryAfterMs = dice.chance(0.3, `${what} after`) ? dice.below(100, what) : undefined;
    const details = { ...used, ...(retryAfterMs !== undefined && { retryAfterMs }) };
    return { durationMs, error: new RunnerError(dice.pick(CODES, `${what} code`), 'no', details) };
  }
  const list = Array.from({ length: dice.below(4, `${id} list`) }, (_, n) => n);
  const output = { kind: dice.pick(['a', 'b'], `${id} kind`), list };
  const grows = has('addTasks') && added.size < 20 && dice.chance(0.2, `${id} adds`);
  if (!grows || added.has(id)) return { durationMs, output, ...used };
  added.add(id);
  // They depend on the task itself, on others in whatever state, and on each other.
  const others = builder.roots.filter((root) => root !== id);
  const outside = [id, ...others.filter((root) => dice.chance(0.3, `${id} on ${root}`))];
  const addTasks = builder.list(`${id}+`, 1 + dice.below(4, `${id} added`), outside, 3);
  return { durationMs, output, ...used, addTasks };
}

const inOrder: Strategy = {
  name: 'in-order',
  begin() {
    const ready = new Heap<TaskView>((a, b) => a.index - b.index);
    return { ready: (task) => ready.push(task), next: () => ready.pop() };
  },
};

/** Four more, of which the last two make the kernel wait. */
function strategyOf(dice: Dice): Strategy {
  const begin = (): ReturnType<Strategy['begin']> => {
    const stack: TaskView[] = [];
    const kind = dice.below(4, 'strategy');
    let inFlight = 0;
    let asked = 0;
    return {
      ready: (task) => stack.push(task),
      next(now) {
        asked++;
        if (stack.length === 0) return undefined;
        if (kind === 2 && inFlight > 0) return undefined;
        if (kind === 3 && asked % 3 === 0) return { until: now + 5 };
        inFlight++;
        const position = kind === 1 ? dice.below(stack.length, `choice ${asked}`) : -1;
        return stack.splice(position, 1)[0];
      },
      settled: () => void inFlight--,
    };
  };
  return { name: 'any', begin };
}
