import fc from 'fast-check';
import type { Condition } from '../src/contract/condition.js';
import { ATTEMPT_ERROR_CODES, RunnerError } from '../src/contract/errors.js';
import { type ForEach, type ItemStream, streamOf } from '../src/contract/for-each.js';
import type { Plan } from '../src/contract/plan.js';
import type { Repeat } from '../src/contract/repeat.js';
import { isTemplate, type Task } from '../src/contract/task.js';
import type {
  SimulatedAction,
  SimulatedAnswer,
  SimulatedAttempt,
  SimulatedRead,
  SimulatedRevision,
  SimulateOptions,
  SimulationControls,
} from '../src/simulate/options.js';
import type { Inputs } from '../src/state/inputs.js';
import { Dice } from './dice.js';
import {
  randomBudget,
  randomDeadline,
  randomGoal,
  randomResources,
  randomRetry,
} from './random-settings.js';
import { randomStrategy } from './random-strategies.js';

/** The features of random runs. A failing run is shrunk to as few of them as possible. */
const FEATURES = [
  'subtasks',
  'forEach',
  'when',
  'waitFor',
  'failures',
  'retry',
  'timeouts',
  'never',
  'addTasks',
  'failFast',
  'deadline',
  'budget',
  'goal',
  'pause',
  'cap',
  'cancel',
  'strategy',
  'resources',
  'tries',
  'replan',
  'runAfter',
  'taskControl',
  'repeat',
  'steps',
  'streams',
] as const;

type Feature = (typeof FEATURES)[number];

/** Determines a random run. */
export interface Recipe {
  readonly seed: number;
  readonly size: number;
  readonly features: readonly Feature[];
}

export const recipes: fc.Arbitrary<Recipe> = fc.record({
  seed: fc.nat(),
  // Small plans find most bugs, and large ones take most of the time.
  size: fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 8 }) },
    { weight: 1, arbitrary: fc.integer({ min: 9, max: 30 }) },
  ),
  features: fc.subarray([...FEATURES]),
});

/** A plan and the events of its run. For a single run: it remembers added tasks. */
export interface RandomRun {
  readonly plan: Plan;
  readonly options: SimulateOptions;
  /** The longest time that the strategy lets a ready task wait. */
  readonly patienceMs: number;
  /** Whether every attempt that ends by itself uses exactly what was estimated. */
  readonly isExact: boolean;
  /** The inputs of each attempt, in the order of starts. */
  readonly given: readonly GivenInputs[];
  /** The situation that each round of re-planning received. */
  readonly situations: readonly GivenSituation[];
}

export interface GivenSituation {
  readonly round: number;
  readonly reason: string;
  readonly completed: readonly { readonly id: string; readonly output: unknown }[];
  readonly failed: readonly string[];
  readonly dropped: readonly string[];
}

interface GivenInputs {
  readonly taskId: string;
  readonly attempt: number;
  readonly inputs: Inputs;
}

/** The local id and dependencies of a task in the pattern of a fan-out or a loop. */
export interface LocalNames {
  readonly id: string;
  readonly dependencies: readonly string[];
}

/** The resource of a task: one of two servers. */
function resourceOf({ id }: Task): string {
  return id.length % 2 === 0 ? 'even' : 'odd';
}

export function randomRun(recipe: Recipe): RandomRun {
  return new RunMaker(recipe).run();
}

/** In virtual milliseconds; short, so that many events coincide. */
const MOST_MS = 40;
/** The maximum number of additions per run. */
const MOST_ADDITIONS = 8;
const PRICES = { known: { inputPerMillion: 50, outputPerMillion: 200 } };

class RunMaker {
  readonly #dice: Dice;
  readonly #size: number;
  readonly #features: ReadonlySet<Feature>;
  readonly #isExact: boolean;
  readonly #given: GivenInputs[] = [];
  readonly #situations: GivenSituation[] = [];
  /** Tasks whose output has a known form: fan-outs, groups and human steps. */
  readonly #fixed = new Set<string>();
  /** Tasks that certainly exist, so that added tasks may depend on them. */
  readonly #known = new Set<string>();
  #additions = 0;

  constructor({ seed, size, features }: Recipe) {
    this.#dice = new Dice(seed);
    this.#size = size;
    this.#features = new Set(features);
    this.#isExact = this.#dice.chance(0.5, 'exact');
  }

  run(): RandomRun {
    const dice = this.#dice;
    const known: string[] = [];
    const tasks = this.#tasks('t', this.#size, { known, depth: 1 });
    for (const id of known) this.#known.add(id);
    const plan: Plan = {
      goal: 'random',
      tasks,
      ...(this.#has('retry') &&
        dice.chance(0.4, 'plan retry') && { retry: randomRetry(dice, 'plan') }),
      ...(this.#has('timeouts') && dice.chance(0.4, 'plan timeout') && { timeoutMs: 30 }),
      ...(this.#has('deadline') && dice.chance(0.5, 'plan limit') && randomDeadline(dice, 'plan')),
      ...(this.#has('budget') && { budget: randomBudget(dice, 'plan', this.#resources) }),
      ...(this.#has('goal') &&
        randomGoal(
          dice,
          known.filter((id) => !this.#fixed.has(id)),
        )),
    };
    const { strategy, patienceMs } = randomStrategy(dice, this.#has('strategy'));
    const options: SimulateOptions = {
      strategy,
      maxParallel: dice.pick([1, 2, 3, 5, 16, Number.POSITIVE_INFINITY], 'max parallel'),
      seed: dice.below(1_000, 'seed'),
      prices: PRICES,
      ...(this.#has('retry') &&
        dice.chance(0.5, 'run retry') && { retry: randomRetry(dice, 'run') }),
      ...(this.#has('timeouts') && dice.chance(0.4, 'run timeout') && { timeoutMs: 35 }),
      ...(this.#has('deadline') && plan.deadlineMs === undefined && randomDeadline(dice, 'run')),
      ...(this.#has('budget') &&
        dice.chance(0.2, 'two budgets') && { budget: randomBudget(dice, 'run', this.#resources) }),
      ...(this.#has('failFast') && { failFast: dice.chance(0.6, 'fail fast') }),
      ...(this.#has('replan') && {
        replan: this.#replan(() => (plan.deadlineMs ?? options.deadlineMs) !== undefined),
      }),
      actions: this.#actions(),
      ...(this.#has('resources') && { resourceOf }),
      ...(this.#has('resources') &&
        dice.chance(0.5, 'caps') && { resources: randomResources(dice) }),
      attempt: (task, attempt, inputs) => {
        this.#given.push({ taskId: task.id, attempt, inputs });
        this.#known.add(task.id);
        return this.#attempt(task, attempt, isLimited(task, plan, options));
      },
      read: (task, skip, count) => this.#read(task, skip, count),
      answer: (task) => this.#answer(task, (plan.deadlineMs ?? options.deadlineMs) !== undefined),
    };
    const isExact = this.#isExact && this.#has('budget');
    const [given, situations] = [this.#given, this.#situations];
    return { plan, options, patienceMs, isExact, given, situations };
  }

  /** What the tasks of the run compete for. */
  get #resources(): readonly string[] {
    return this.#has('resources') ? ['even', 'odd'] : ['simulation'];
  }

  /** Whether a plan may refer to any path in the output of this task. */
  #isFree(id: string | undefined): id is string {
    return id !== undefined && !this.#fixed.has(id);
  }

  #has(feature: Feature): boolean {
    return this.#features.has(feature);
  }

  // --- Tasks ---

  /** Tasks that depend on earlier tasks, or on earlier tasks outside their group. */
  #tasks(prefix: string, count: number, scope: Scope): Task[] {
    const tasks: Task[] = [];
    for (let position = 0; position < count; position++) {
      tasks.push(this.#task(`${prefix}${position}`, scope));
    }
    // Plans need not be in dependency order.
    if (this.#dice.chance(0.3, `${prefix} reversed`)) tasks.reverse();
    return tasks;
  }

  #task(id: string, scope: Scope): Task {
    const dice = this.#dice;
    const { known } = scope;
    const wanted = Array.from({ length: dice.below(4, `${id} dependencies`) }, (_, each) => each);
    // Some picks are past the end, so that some tasks have no dependencies.
    const picks = wanted.map((n) => known[dice.below(known.length * 1.5, `${id} on ${n}`)]);
    const dependencies = [...new Set(picks.filter((each) => each !== undefined))];
    const kind = this.#kind(id, dependencies, scope);
    const isGroup = kind.subtasks !== undefined && kind.type !== 'aggregate';
    const hasAttempts = kind.waitFor === undefined && !isGroup;
    const isFunction = hasAttempts && dice.chance(0.2, `${id} function`);
    const isStep =
      hasAttempts && !isFunction && this.#has('steps') && dice.chance(0.4, `${id} step`);
    const task: Task = {
      id,
      description: id,
      dependencies,
      ...(isFunction && { run: () => undefined }),
      ...(isStep && this.#step(id, dependencies[0])),
      ...this.#estimate(id),
      ...(hasAttempts && this.#has('retry') && dice.chance(0.4, `${id} retry`)
        ? { retry: randomRetry(dice, id) }
        : {}),
      ...(hasAttempts && this.#has('timeouts') && dice.chance(0.4, `${id} timeout`)
        ? { timeoutMs: 1 + dice.below(MOST_MS, `${id} timeout`) }
        : {}),
      ...(dependencies.length > 0 && this.#has('runAfter') && dice.chance(0.4, `${id} after`)
        ? { runAfter: dice.pick(['settled', 'failure', 'success'] as const, `${id} after`) }
        : {}),
      ...(this.#has('when') && dice.chance(0.4, `${id} when`)
        ? { when: this.#when(id, dependencies[0]) }
        : {}),
      // Its copies have other ids.
      ...(scope.outside !== undefined || isTemplate(kind)
        ? { metadata: { local: { id, dependencies } satisfies LocalNames } }
        : {}),
      ...kind,
    };
    known.push(id);
    if (kind.forEach !== undefined || isGroup || kind.waitFor !== undefined) this.#fixed.add(id);
    return task;
  }

  /** A call of a tool, or a command: work without a model. */
  #step(id: string, first: string | undefined): Partial<Task> {
    const value = first === undefined ? 'x' : `{{${first}}}`;
    return this.#dice.chance(0.5, `${id} command`)
      ? { command: ['program', value] }
      : { tool: 'echo', args: { value, text: `of ${value}` } };
  }

  /** Fields that make it a fan-out, a loop, a group or a human step; none for a plain task. */
  #kind(id: string, dependencies: readonly string[], scope: Scope): Partial<Task> {
    const dice = this.#dice;
    const fansOut = this.#has('forEach') && dice.chance(0.25, `${id} fans out`);
    const loops = this.#has('repeat') && dice.chance(0.25, `${id} loops`);
    const first = dependencies[0];
    const template = (isFree: boolean) => ({
      ...(fansOut && { forEach: this.#forEach(id, dependencies) }),
      ...(loops && { repeat: this.#repeat(id, first, isFree) }),
    });
    if (this.#has('waitFor') && dice.chance(0.15, `${id} waits`)) {
      // Some outputs have no kind: the question cannot be made, and the task fails.
      const asks = this.#isFree(first) && dice.chance(0.3, `${id} asks`);
      const description = asks ? `Is {{${first}.kind}} right?` : 'Is it right?';
      return { ...template(false), description, waitFor: this.#waitFor(id) };
    }
    const { depth, outside } = scope;
    const share = fansOut || loops ? 0.5 : 0.25;
    if (!this.#has('subtasks') || depth >= 4 || !dice.chance(share, `${id} group`)) {
      return template(true);
    }
    // Tasks in a fan-out or a loop may depend on its other tasks and on its dependencies.
    const pattern = [...new Set([...dependencies, ...(outside ?? [])])];
    const inner: Scope =
      fansOut || loops
        ? { known: [...pattern], depth: depth + 1, outside: pattern }
        : { ...scope, depth: depth + 1 };
    const count = 1 + dice.below(3, `${id} subtasks`);
    const subtasks = this.#tasks(`${id}/`, count, inner);
    const type = dice.chance(0.4, `${id} aggregates`) ? { type: 'aggregate' as const } : {};
    return { ...template(false), ...type, subtasks };
  }

  #forEach(id: string, [first]: readonly string[]): ForEach {
    const dice = this.#dice;
    if (this.#has('streams') && dice.chance(0.5, `${id} streams`)) {
      const minSuccess = dice.pick([0, 2, '50%', '100%'] as const, `${id} min`);
      const few = dice.chance(0.2, `${id} max`) && { maxItems: 2 };
      return { stream: { name: `${id}.jsonl`, open: neverOpened }, minSuccess, ...few };
    }
    const length = dice.below(4, `${id} items`);
    const items =
      !this.#isFree(first) || dice.chance(0.2, `${id} items by function`)
        ? () => listOf(length)
        : dice.chance(0.1, `${id} no list`)
          ? `${first}.kind`
          : `${first}.list`;
    if (dice.chance(0.2, `${id} by default`)) return items;
    const minSuccess = dice.pick([0, 1, 2, '0%', '50%', '70%', '100%'] as const, `${id} min`);
    return { items, minSuccess, maxItems: dice.chance(0.1, `${id} max`) ? 1 : 100 };
  }

  /** @param isFree Whether the condition may refer to any path in the output. */
  #repeat(id: string, first: string | undefined, isFree: boolean): Repeat {
    const dice = this.#dice;
    const wanted = 1 + dice.below(4, `${id} wanted`);
    return {
      until: dice.pick<Repeat['until']>(
        [
          { path: 'iteration', operator: '>=', value: wanted },
          ({ iteration }: { iteration: number }) => iteration >= wanted,
          (inputs: Inputs) => kindOf(inputs[id]) === 'a',
          ...(isFree
            ? ([
                { any: [{ path: `${id}.kind`, operator: '==', value: 'a' }] },
                { not: { path: 'previous.score', operator: '>', value: 4 } },
              ] as const)
            : []),
          ...(first === undefined ? [] : [(inputs: Inputs) => kindOf(inputs[first]) === 'b']),
          () => {
            throw new RunnerError('subtasks_failed', 'none');
          },
        ],
        `${id} until`,
      ),
      ...(dice.chance(0.8, `${id} limited`) && { maxIterations: 1 + dice.below(4, `${id} most`) }),
      ...(dice.chance(0.4, `${id} strict`) && {
        onExhausted: dice.pick(['complete', 'fail'] as const, `${id} exhausted`),
      }),
    };
  }

  #waitFor(id: string): NonNullable<Task['waitFor']> {
    const dice = this.#dice;
    const kind = dice.pick(['approval', 'answer'] as const, `${id} kind`);
    if (dice.chance(0.4, `${id} for as long as it takes`)) return kind;
    const timeoutMs = 1 + dice.below(MOST_MS, `${id} patience`);
    const answers = kind === 'approval' ? [undefined, true, false] : [undefined, { kind: 'a' }];
    const fallback = dice.pick<unknown>(answers, `${id} default`);
    return { kind, timeoutMs, ...(fallback !== undefined && { default: fallback }) };
  }

  #when(id: string, first: string | undefined): NonNullable<Task['when']> {
    const dice = this.#dice;
    const which = dice.below(10, `${id} condition`);
    if (which === 0) {
      return () => {
        throw dice.pick([new Error('none'), undefined, new RunnerError('timeout', 'none')], id);
      };
    }
    const answer = dice.chance(0.6, `${id} chosen`);
    if (which <= 2) return () => answer;
    if (first === undefined) return answer ? { all: [] } : { any: [] };
    if (which === 3 || !this.#isFree(first)) {
      return (inputs: Inputs) => kindOf(inputs[first]) === 'a';
    }
    const kind: Condition = { path: `${first}.kind`, operator: '==', value: 'a' };
    const score: Condition = { path: `${first}.score`, operator: '>=', value: 5 };
    return dice.pick<Condition>(
      [
        kind,
        score,
        { not: kind },
        { any: [kind, score] },
        { all: [kind, { not: score }] },
        { path: `${first}.list`, operator: 'contains', value: 10 },
        { path: `${first}.kind`, operator: 'matches', value: '^(a|c)+$' },
      ],
      `${id} comparison`,
    );
  }

  /** Always present when the spending must equal the estimates. */
  #estimate(id: string): Pick<Task, 'estimate'> {
    const dice = this.#dice;
    if (!this.#has('budget')) return {};
    if (!this.#isExact && dice.chance(0.4, `${id} no estimate`)) return {};
    const estimate = {
      tokens: dice.below(50, `${id} tokens`),
      // Sums of quarters are exact.
      costUsd: dice.below(8, `${id} cost`) / 4,
      ...(dice.chance(0.5, `${id} duration`) && { durationMs: dice.below(MOST_MS, `${id} long`) }),
    };
    return { estimate };
  }

  // --- Events of the run ---

  #actions(): SimulatedAction[] {
    const dice = this.#dice;
    const actions: SimulatedAction[] = [];
    const at = (atMs: number, act: (run: SimulationControls) => void) => {
      actions.push({ atMs, act });
    };
    const times = (what: string) => Array.from({ length: 1 + dice.below(3, what) }, (_, n) => n);
    if (this.#has('pause')) {
      for (const n of times('pauses')) {
        const from = dice.below(60, `pause ${n}`);
        at(from, (run) => run.pause());
        at(from + dice.below(60, `resume ${n}`), (run) => run.resume());
      }
    }
    if (this.#has('cap')) {
      for (const n of times('caps')) {
        const cap = dice.pick([1, 1, 2, 4, Number.POSITIVE_INFINITY], `cap ${n}`);
        at(dice.below(80, `cap time ${n}`), (run) => run.setMaxParallel(cap));
      }
    }
    if (this.#has('addTasks')) {
      for (const n of times('growth')) {
        at(dice.below(80, `growth ${n}`), (run) => run.addTasks(this.#addition(`+${n}.`)));
      }
    }
    if (this.#has('taskControl')) {
      for (const n of times('controls')) {
        const what = dice.pick(['cancelTask', 'skipTask'] as const, `control ${n}`);
        at(dice.below(80, `control time ${n}`), (run) => {
          run[what](dice.pick([...this.#known], `control task ${n}`), 'enough');
        });
      }
    }
    if (this.#has('cancel') && dice.chance(0.6, 'canceled'))
      at(dice.below(120, 'cancel'), (run) => run.cancel('enough'));
    return actions;
  }

  /** Tasks that depend on existing tasks in any state, and on each other. */
  #addition(prefix: string, by?: string): Task[] {
    const dice = this.#dice;
    const known = [...this.#known].filter((id) => dice.chance(0.3, `${prefix} on ${id}`));
    if (by !== undefined) known.push(by);
    this.#additions++;
    return this.#tasks(prefix, dice.below(4, `${prefix} count`), { known, depth: 3 });
  }

  #replan(isLimited: () => boolean): NonNullable<SimulateOptions['replan']> {
    const dice = this.#dice;
    return {
      ...(dice.chance(0.7, 'rounds') && { maxRounds: 1 + dice.below(3, 'rounds') }),
      ...(dice.chance(0.5, 'additions') && { maxTasks: 1 + dice.below(8, 'additions') }),
      revise: (situation) => {
        const { round, reason } = situation;
        const completed = situation.completed.map(({ task, output }) => ({ id: task.id, output }));
        const failed = situation.failed.map(({ task }) => task.id);
        const dropped = situation.dropped.map(({ task }) => task.id);
        this.#situations.push({ round, reason, completed, failed, dropped });
        return this.#revision(`r${round}`, { completed, failed }, isLimited());
      },
    };
  }

  #revision(
    what: string,
    { completed, failed }: Pick<GivenSituation, 'completed' | 'failed'>,
    isLimited: boolean,
  ): SimulatedRevision {
    const dice = this.#dice;
    const never = isLimited && this.#has('never') && dice.chance(0.2, `${what} never ends`);
    const durationMs = never ? Number.POSITIVE_INFINITY : dice.below(MOST_MS, `${what} duration`);
    const used = this.#isExact ? {} : this.#used({ id: what }, what);
    if (dice.chance(0.1, `${what} throws`)) {
      return { durationMs, error: new RunnerError('server_error', 'no', used) };
    }
    // Sometimes they depend on failed tasks, which makes the revision invalid.
    const known = completed.map(({ id }) => id);
    if (dice.chance(0.1, `${what} is wrong`)) known.push(...failed);
    const tasks = this.#tasks(`${what}.`, dice.below(4, `${what} count`), { known, depth: 3 });
    const replaces = failed.filter((id) => dice.chance(0.7, `${what} replaces ${id}`));
    if (dice.chance(0.05, `${what} replaces another`)) replaces.push('another');
    return { durationMs, tasks, ...(dice.chance(0.5, `${what} some`) && { replaces }), ...used };
  }

  #attempt(task: Task, attempt: number, limited: boolean): SimulatedAttempt {
    const dice = this.#dice;
    const { id } = task;
    const what = `${id} ${attempt}`;
    const never = limited && this.#has('never') && dice.chance(0.15, `${what} never ends`);
    const grows = this.#has('addTasks') && dice.chance(0.2, `${what} adds`);
    const used = this.#used(task, what);
    const more =
      grows && this.#additions < MOST_ADDITIONS
        ? { addTasks: this.#addition(`${id}+${attempt}.`, id) }
        : {};
    const durationMs = never ? Number.POSITIVE_INFINITY : dice.below(MOST_MS, `${what} duration`);
    if (this.#has('failures') && dice.chance(0.3, `${what} fails`)) {
      return { durationMs, ...more, error: this.#error(what, used) };
    }
    return { durationMs, ...more, ...used, output: this.#output(id) };
  }

  #error(what: string, used: object): unknown {
    const dice = this.#dice;
    if (dice.chance(0.1, `${what} throws`)) return dice.pick([undefined, 'no', new Error()], what);
    const transient = dice.chance(0.5, `${what} may be gone`);
    const codes = transient ? (['rate_limited', 'connection'] as const) : ATTEMPT_ERROR_CODES;
    const retryAfterMs = dice.pick([undefined, undefined, 0, 7, 45, Number.NaN], `${what} after`);
    const tries = this.#has('tries') ? dice.pick([1, 1, 2, 3, 0, Number.NaN], `${what} tries`) : 1;
    const details = { ...used, tries, ...(retryAfterMs !== undefined && { retryAfterMs }) };
    return new RunnerError(dice.pick(codes, `${what} code`), 'no', details);
  }

  #used(task: Task, what: string): Partial<SimulatedAttempt> {
    const dice = this.#dice;
    if (!this.#has('budget')) return {};
    if (this.#isExact) {
      const { tokens = 0, costUsd = 0 } = task.estimate ?? {};
      return { usage: { inputTokens: tokens, outputTokens: 0 }, costUsd };
    }
    if (dice.chance(0.2, `${what} says nothing`)) return {};
    const usage = {
      inputTokens: dice.below(40, `${what} in`),
      outputTokens: dice.below(20, `${what} out`),
    };
    const model = dice.pick(['known', 'known', 'known', 'unknown', undefined], `${what} model`);
    const costUsd = dice.chance(0.8, `${what} costs`)
      ? dice.below(9, `${what} costs`) / 4
      : undefined;
    return { usage, ...(model && { model }), ...(costUsd !== undefined && { costUsd }) };
  }

  #output(id: string): unknown {
    const dice = this.#dice;
    if (dice.chance(0.15, `${id} plain`)) {
      return dice.pick([undefined, null, 'a', 7, [0, 10], {}], `${id} output`);
    }
    const kind = dice.pick(['a', 'b'], `${id} kind`);
    const list = listOf(dice.below(4, `${id} list`));
    return { kind, list, score: dice.below(10, `${id} score`) };
  }

  /** Of the items that encode their position, one or two at a time. */
  #read({ forEach }: Task, skip: number, count: number): SimulatedRead {
    const dice = this.#dice;
    const { name } = streamOf({ forEach }) as ItemStream;
    const what = `${name} from ${skip}`;
    const durationMs = dice.below(MOST_MS, `${what} duration`);
    const length = dice.below(6, `${name} length`);
    const isBroken = dice.chance(0.15, `${name} is broken`);
    if (isBroken && skip === length) {
      return { durationMs, error: new RunnerError('invalid_input', 'torn') };
    }
    const end = Math.min(length, skip + count, skip + 1 + dice.below(2, `${what} count`));
    const isEnd = !isBroken && end === length && (end === skip || dice.chance(0.5, what));
    return { durationMs, items: listOf(length).slice(skip, end), isEnd };
  }

  #answer({ id, waitFor }: Task, limited: boolean): SimulatedAnswer {
    const dice = this.#dice;
    const isBounded = limited || (typeof waitFor === 'object' && waitFor.timeoutMs !== undefined);
    const never = isBounded && dice.chance(0.3, `${id} never answered`);
    const afterMs = never ? Number.POSITIVE_INFINITY : dice.below(60, `${id} answered`);
    const answers = [true, true, false, undefined, { kind: 'a', list: listOf(2), score: 3 }];
    return { afterMs, answer: dice.pick(answers, `${id} answer`) };
  }
}

/** The scope of a task. */
interface Scope {
  /** The tasks that it may depend on; grows with each created task. */
  readonly known: string[];
  readonly depth: number;
  /** In the pattern of a fan-out or a loop, the ids outside it. */
  readonly outside?: readonly string[];
}

function neverOpened(): never {
  throw new Error('a simulation opens no stream');
}

/** Items that encode their position. */
function listOf(length: number): number[] {
  return Array.from({ length }, (_, position) => position * 10);
}

function kindOf(output: unknown): unknown {
  return (output as { kind?: unknown } | undefined)?.kind;
}

/** Whether a time limit ends endless attempts. */
function isLimited(
  task: { timeoutMs?: number },
  plan: { timeoutMs?: number; deadlineMs?: number },
  options: { timeoutMs?: number; deadlineMs?: number },
): boolean {
  return [
    task.timeoutMs,
    plan.timeoutMs,
    options.timeoutMs,
    plan.deadlineMs,
    options.deadlineMs,
  ].some((limit) => limit !== undefined);
}
