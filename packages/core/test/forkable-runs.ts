import * as z from 'zod';
import type { Plan } from '../src/contract/plan.js';
import type { InputValues } from '../src/contract/plan-inputs.js';
import type { Situation } from '../src/contract/replan.js';
import { isTemplate, type Task } from '../src/contract/task.js';
import { canonical } from '../src/serialize/canonical.js';
import { toData } from '../src/serialize/value.js';
import type { SimulatedRevision, SimulateOptions } from '../src/simulate/options.js';
import type { Inputs } from '../src/state/inputs.js';
import { hashUnit } from '../src/util/hash.js';
import { Dice } from './dice.js';
import { modularise } from './modularise.js';
import { type Recipe, randomRun } from './random-runs.js';
import { withItems } from './with-items.js';

/** Features whose effects depend on nothing but the tasks: never on when something happens. */
const STEADY: readonly Recipe['features'][number][] = [
  ...(['subtasks', 'forEach', 'when', 'waitFor', 'failures', 'retry', 'timeouts'] as const),
  ...(['runAfter', 'repeat', 'steps', 'strategy', 'resources', 'pause', 'cap'] as const),
];

/** A random run whose plan has inputs, and whose outputs depend on all that a task gets, and on nothing else. */
export interface ForkableRun {
  readonly plan: Plan;
  /** Options for one run with these values. */
  readonly optionsFor: (inputs: InputValues) => SimulateOptions;
  /** Top-level tasks that use one of these inputs, or might, with those that come after them. */
  readonly touchedBy: (names: readonly string[]) => ReadonlySet<string>;
  /** Whether two runs with the same inputs end with the same outputs, whatever the order of their tasks. */
  readonly isSteady: boolean;
}

const NAMES = ['a', 'b', 'c'] as const;
export const FIRST_INPUTS: InputValues = { a: 1, b: 2, c: 3, list: [1, 2] };

/** Other values for some of the inputs. */
export function otherInputs(names: readonly string[]): InputValues {
  const others: InputValues = { a: 11, b: 12, c: 13, list: [1, 2, 3] };
  return Object.fromEntries(names.map((name) => [name, others[name]]));
}

export function forkableRun(recipe: Recipe): ForkableRun {
  const has = (feature: Recipe['features'][number]) => recipe.features.includes(feature);
  const features = recipe.features.filter((each) => STEADY.includes(each) || each === 'goal');
  const dice = new Dice(recipe.seed);
  const base = randomRun({ ...recipe, features }).plan;
  const written = !has('goal') && dice.chance(0.3, 'modules') ? modularise(base).modular : base;
  const plan: Plan = {
    ...written,
    inputs: z.object({
      a: z.number(),
      b: z.number(),
      c: z.number(),
      list: z.array(z.number()),
    }),
    tasks: written.tasks.map((task) => usingInputs(task, dice)),
  };
  return {
    plan,
    optionsFor: (inputs) => {
      const { options } = randomRun({ ...recipe, features });
      const { attempt } = options as Required<SimulateOptions>;
      return {
        ...options,
        inputs,
        attempt: (task, number, given) => {
          const outcome = attempt(task, number, given);
          if ('error' in outcome) return outcome;
          const adds = has('addTasks') && dice.chance(0.2, `${task.id} adds`);
          return {
            ...outcome,
            output: outputOf(task, given),
            ...(adds && { addTasks: [additionOf(task.id, dice)] }),
          };
        },
        ...(has('replan') && { replan: { maxRounds: 2, revise: (now) => revision(now, plan) } }),
      };
    },
    touchedBy: (names) => touchedBy(plan.tasks, names),
    isSteady: !has('goal'),
  };
}

/** The same task, using some inputs of the plan. */
function usingInputs(task: Task, dice: Dice): Task {
  const { id, description, args, command, when, subtasks, plan, forEach } = task;
  const uses = (what: string, share: number) => dice.chance(share, `${id} uses ${what}`);
  const reference = `{{inputs.${dice.pick(NAMES, `${id} input`)}}}`;
  const isAsked = uses('an input', 0.4);
  const list = typeof forEach === 'object' ? forEach.items : forEach;
  const own = isAsked && plan === undefined;
  return {
    ...task,
    ...(own && description !== undefined && { description: `${description} ${reference}` }),
    ...(own && args !== undefined && { args: { ...(args as object), more: reference } }),
    ...(own && Array.isArray(command) && { command: [...(command as string[]), reference] }),
    ...(when === undefined && uses('a condition', 0.1)
      ? { when: { path: 'inputs.a', operator: '>', value: 5 } as const }
      : {}),
    ...(typeof list === 'function' && uses('a list', 0.5)
      ? {
          forEach: withItems(forEach, 'inputs.list'),
        }
      : {}),
    ...(subtasks !== undefined && {
      subtasks: subtasks.map((each) => usingInputs(each, dice)),
    }),
  };
}

function additionOf(id: string, dice: Dice): Task {
  const reference = `{{inputs.${dice.pick(NAMES, `${id} addition`)}}}`;
  return { id: `${id}+`, description: `more ${reference}`, dependencies: [id] };
}

/** Two tasks in the first round for whatever failed, and none in the next. */
function revision({ round, completed }: Situation, plan: Plan): SimulatedRevision {
  if (round > 1) return { durationMs: 3, tasks: [] };
  const known = new Set(plan.tasks.map(({ id }) => id));
  const [first] = completed
    .map(({ task }) => task.id)
    .filter((id) => known.has(id))
    .sort();
  const dependencies = first === undefined ? [] : [first];
  return {
    durationMs: 5,
    tasks: [
      { id: `r${round}`, description: 'repair {{inputs.a}}', dependencies },
      { id: `r${round} end`, description: 'end', dependencies: [`r${round}`] },
    ],
  };
}

/** What a task answers: it depends on all that it gets, so that a stale result shows. */
function outputOf(task: Task, { inputs, ...given }: Inputs): unknown {
  const { id, description, args, command, run, prompt } = task;
  const text = JSON.stringify([description, args, command]);
  const all = (inputs ?? {}) as InputValues;
  const isCode = [run, prompt, args].some((each) => typeof each === 'function');
  const used = Object.entries(all).filter(([name]) => isCode || text.includes(`inputs.${name}`));
  const seen = canonical(toData([given, used].map((each) => JSON.parse(textOf(each)))));
  const draw = hashUnit(`${id} ${seen}`, 7);
  if (draw < 0.1) return [null, 'a', 7, [0, 10], {}][Math.floor(draw * 50)];
  const digit = Math.floor(draw * 1_000);
  return {
    kind: digit % 2 === 0 ? 'a' : 'b',
    list: [0, 10, 20].slice(0, digit % 4),
    score: digit % 10,
    seen: draw,
  };
}

/** A fork tries nothing again that has failed, so its errors count no tries. */
function textOf(value: unknown): string {
  const shown = (key: string, each: unknown) => (key === 'tries' ? undefined : (each ?? null));
  return JSON.stringify(value, shown) ?? 'null';
}

function touchedBy(tasks: readonly Task[], names: readonly string[]): ReadonlySet<string> {
  const touched = new Set<string>();
  const partsOf = (task: Task): readonly Task[] => [
    task,
    ...(task.subtasks ?? []).flatMap(partsOf),
  ];
  const parts = new Map(tasks.map((task) => [task.id, partsOf(task)]));
  const ids = new Map<string, string>();
  for (const [id, inside] of parts) for (const each of inside) ids.set(each.id, id);
  const uses = (task: Task) => {
    const text = JSON.stringify(task, (_, each) => (typeof each === 'function' ? 'FN' : each));
    return text.includes('"FN"') || names.some((name) => text.includes(`inputs.${name}`));
  };
  const comesAfter = ({ dependencies = [], runAfter }: Task) =>
    // What runs after failures runs again with them.
    runAfter !== undefined || dependencies.some((each) => touched.has(ids.get(each) ?? each));
  for (let size = -1; size < touched.size; ) {
    size = touched.size;
    for (const [id, inside] of parts) {
      const isUser = names.length > 0 && inside.some(uses);
      if (isUser || inside.some(comesAfter)) touched.add(id);
    }
  }
  return touched;
}

/** The top-level task that a task belongs to, by its id. */
export function topOf(id: string, plan: Plan): string | undefined {
  const isIn = (task: Task) => {
    if (task.id === id) return true;
    if (id.startsWith(`${task.id}/`) || id.startsWith(`${task.id}[`)) return true;
    return isTemplate(task) && id.startsWith(`${task.id}#`);
  };
  return plan.tasks.find(isIn)?.id;
}
