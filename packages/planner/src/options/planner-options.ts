import { checkLimit, OptionError, type Plan, type TaskType, type Tool } from '@stratagem/core';
import { checkTemplate } from './prompt-template.js';

/** A goal and the plan that a good planner makes of it, to show to the model. */
export type PlanExample = Pick<Plan, 'goal' | 'tasks'>;

/** What a model may put into a plan, how much of it, and what it is told. */
export interface PlannerOptions {
  /**
   * How deep subtasks may nest: 1 for a plan without subtasks; 8 at most.
   * @default 3
   */
  readonly maxDepth?: number;
  /**
   * The most tasks in one list: in the plan's own, and in the subtasks of each task.
   * @default 10
   */
  readonly maxSubtasks?: number;
  /**
   * The fewest tasks in one list. With 1, the model may say that one task is enough.
   * @default 2
   */
  readonly minSubtasks?: number;
  /**
   * The most tasks in a plan, subtasks included.
   * @default 50
   */
  readonly maxTasks?: number;
  /**
   * The longest description of a task, in characters.
   * @default 4_000
   */
  readonly maxDescriptionLength?: number;
  /**
   * The longest answer that is read at all, in characters.
   * @default 200_000
   */
  readonly maxAnswerLength?: number;
  /**
   * The kinds of tasks that a plan may have.
   * @default all four
   */
  readonly taskTypes?: readonly TaskType[];
  /**
   * The tools that tasks may list, by name. The model is shown what each does and takes; give the
   * same ones to the executor that runs the plan.
   * @default none
   */
  readonly tools?: readonly Tool[];
  /**
   * The models that a task may ask for, each with what it is good for. The one chosen ends up in
   * the task's `metadata.model`, for `route()` of `@stratagem/runners` to go by.
   * @default none
   *
   * @example
   * { fast: 'short texts, cheap', deep: 'hard questions' }
   */
  readonly models?: Readonly<Record<string, string>>;
  /** Plans that the model is shown as examples. */
  readonly examples?: readonly PlanExample[];
  /**
   * What the model is told, with `{{goal}}`, and where wanted `{{rules}}`, `{{tools}}`, `{{models}}`
   * and `{{examples}}`, in the places for them.
   * @default an instruction in English that has all of them
   */
  readonly promptTemplate?: string;
  /**
   * How often an answer that cannot be used is sent back to the model with what is wrong with it.
   * @default 2
   */
  readonly repairAttempts?: number;
}

/** The options with their defaults. */
export type PlannerSettings = Required<Omit<PlannerOptions, 'promptTemplate'>> &
  Pick<PlannerOptions, 'promptTemplate'>;

export const PLANNER_OPTIONS: readonly (keyof PlannerOptions)[] = [
  'maxDepth',
  'maxSubtasks',
  'minSubtasks',
  'maxTasks',
  'maxDescriptionLength',
  'maxAnswerLength',
  'taskTypes',
  'tools',
  'models',
  'examples',
  'promptTemplate',
  'repairAttempts',
];

const TASK_TYPES: readonly TaskType[] = ['action', 'decision', 'observation', 'aggregate'];

/** As deep as plans may nest by default. */
const DEEPEST = 8;
const MOST_REPAIRS = 10;
const TOOL_FIELDS = ['name', 'description', 'inputSchema', 'execute'] as const;

/**
 * The options with their defaults.
 *
 * @param owner Whose options these are: `decompose()`.
 * @throws {OptionError} when one is out of range or contradicts another.
 */
export function plannerSettings(owner: string, options: PlannerOptions): PlannerSettings {
  const given = Object.fromEntries(
    PLANNER_OPTIONS.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  ) as PlannerOptions;
  const settings: PlannerSettings = {
    maxDepth: 3,
    maxSubtasks: 10,
    minSubtasks: 2,
    maxTasks: 50,
    maxDescriptionLength: 4_000,
    maxAnswerLength: 200_000,
    taskTypes: TASK_TYPES,
    tools: [],
    models: {},
    examples: [],
    repairAttempts: 2,
    ...given,
  };
  checkWhole(owner, 'maxDepth', settings.maxDepth, 1, DEEPEST);
  checkWhole(owner, 'repairAttempts', settings.repairAttempts, 0, MOST_REPAIRS);
  for (const name of [
    'maxSubtasks',
    'minSubtasks',
    'maxTasks',
    'maxDescriptionLength',
    'maxAnswerLength',
  ] as const) {
    checkLimit(owner, name, settings[name]);
  }
  checkBounds(owner, settings);
  checkTypes(owner, settings.taskTypes);
  checkTools(owner, settings.tools);
  checkModels(owner, settings.models);
  checkExamples(owner, settings.examples);
  if (settings.promptTemplate !== undefined) checkTemplate(owner, settings.promptTemplate);
  return settings;
}

function checkWhole(owner: string, name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const range = `a whole number from ${least} to ${most}`;
  throw new OptionError(`${owner}: ${name} must be ${range}; it is ${String(value)}`);
}

function checkBounds(owner: string, settings: PlannerSettings): void {
  const { minSubtasks, maxSubtasks, maxTasks } = settings;
  for (const [name, most] of Object.entries({ maxSubtasks, maxTasks })) {
    if (minSubtasks <= most) continue;
    throw new OptionError(
      `${owner}: minSubtasks is ${minSubtasks}, more than ${name}, which is ${most}`,
    );
  }
}

function checkTypes(owner: string, types: readonly TaskType[]): void {
  const known = Array.isArray(types) && types.every((type) => TASK_TYPES.includes(type));
  if (known && types.length > 0) return;
  throw new OptionError(`${owner}: taskTypes must list at least one of ${TASK_TYPES.join(', ')}`);
}

function checkTools(owner: string, tools: readonly Tool[]): void {
  const isTool = (tool: unknown) =>
    typeof tool === 'object' && tool !== null && TOOL_FIELDS.every((field) => field in tool);
  if (!Array.isArray(tools) || !tools.every(isTool)) {
    throw new OptionError(`${owner}: tools must be a list of tools, as tool() makes them`);
  }
  const names = tools.map(({ name }) => name);
  const twice = names.find((name, position) => names.indexOf(name) !== position);
  if (twice !== undefined) throw new OptionError(`${owner}: there are two tools "${twice}"`);
}

function checkModels(owner: string, models: Readonly<Record<string, string>>): void {
  const isRecord = typeof models === 'object' && models !== null && !Array.isArray(models);
  if (isRecord && Object.values(models).every((text) => typeof text === 'string')) return;
  throw new OptionError(
    `${owner}: models must say what each is good for, like { fast: 'short texts' }`,
  );
}

function checkExamples(owner: string, examples: readonly PlanExample[]): void {
  const isExample = ({ goal, tasks }: Partial<PlanExample>) =>
    typeof goal === 'string' && Array.isArray(tasks);
  if (Array.isArray(examples) && examples.every((each) => each !== null && isExample(each))) return;
  throw new OptionError(`${owner}: examples must be a list of plans: { goal, tasks }`);
}
