import { OptionError, type Plan, type TaskType, type Tool } from '@stratagem/core';
import { checkLimit } from '@stratagem/core/runner';
import { pick } from '../util/pick.js';
import { checkTemplate } from './prompt-template.js';

/** A goal and a good plan for it, shown to the model as an example. */
export type PlanExample = Pick<Plan, 'goal' | 'tasks'>;

/** The limits and contents of a plan that a model makes, and the prompt for it. */
export interface PlannerOptions {
  /**
   * The most levels of tasks, from 1 (no subtasks) to 8.
   * @default 3
   */
  readonly maxDepth?: number | undefined;
  /**
   * The most tasks in one list: the plan's own list, or the subtasks of one task.
   * @default 10
   */
  readonly maxSubtasks?: number | undefined;
  /**
   * The fewest tasks in one list. With 1, the model may answer with a single task.
   * @default 2
   */
  readonly minSubtasks?: number | undefined;
  /**
   * The most tasks in a plan, subtasks included.
   * @default 50
   */
  readonly maxTasks?: number | undefined;
  /**
   * The longest description of a task, in characters.
   * @default 4_000
   */
  readonly maxDescriptionLength?: number | undefined;
  /**
   * The longest answer that is accepted, in characters.
   * @default 200_000
   */
  readonly maxAnswerLength?: number | undefined;
  /**
   * The task types that a plan may use.
   * @default all four
   */
  readonly taskTypes?: readonly TaskType[] | undefined;
  /**
   * The tools that tasks may list by name. The prompt shows the description and input schema of
   * each. Pass the same tools to the executor that runs the plan.
   * @default none
   */
  readonly tools?: readonly Tool[] | undefined;
  /**
   * The models that a task may request, each with a description of its use. The choice is stored
   * in the task's `metadata.model`, where `route()` of `@stratagem/runners` can read it.
   * @default none
   *
   * @example
   * { fast: 'short texts, cheap', deep: 'hard questions' }
   */
  readonly models?: Readonly<Record<string, string>> | undefined;
  /** Example plans for the prompt. */
  readonly examples?: readonly PlanExample[] | undefined;
  /**
   * The prompt. It must contain `{{goal}}`, and may contain `{{rules}}`, `{{tools}}`, `{{models}}`
   * and `{{examples}}`.
   * @default an English prompt that contains all of them
   */
  readonly promptTemplate?: string | undefined;
  /**
   * How often an unusable answer is sent back to the model with its problems.
   * @default 2
   */
  readonly repairAttempts?: number | undefined;
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

/** A revision may add a single task, so `minSubtasks` does not apply to it. */
export const REPLANNER_OPTIONS = PLANNER_OPTIONS.filter((name) => name !== 'minSubtasks');

const TASK_TYPES: readonly TaskType[] = ['action', 'decision', 'observation', 'aggregate'];

/** The nesting limit of core. */
const MAX_DEPTH = 8;
const MAX_REPAIR_ATTEMPTS = 10;
const TOOL_FIELDS = ['name', 'description', 'inputSchema', 'execute'] as const;

/**
 * Checks the options and adds the defaults.
 *
 * @param owner The function that takes the options, such as `decompose()`.
 * @throws {OptionError} when an option is out of range or contradicts another.
 */
export function plannerSettings(owner: string, options: PlannerOptions): PlannerSettings {
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
    ...(pick(options, PLANNER_OPTIONS) as PlannerOptions),
  };
  checkInteger(owner, 'maxDepth', settings.maxDepth, 1, MAX_DEPTH);
  checkInteger(owner, 'repairAttempts', settings.repairAttempts, 0, MAX_REPAIR_ATTEMPTS);
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

function checkInteger(owner: string, name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  const range = `an integer from ${min} to ${max}`;
  throw new OptionError(`${owner}: ${name} must be ${range}; it is ${String(value)}`);
}

function checkBounds(owner: string, settings: PlannerSettings): void {
  const { minSubtasks, maxSubtasks, maxTasks } = settings;
  for (const [name, max] of Object.entries({ maxSubtasks, maxTasks })) {
    if (minSubtasks <= max) continue;
    throw new OptionError(
      `${owner}: minSubtasks is ${minSubtasks}, more than ${name}, which is ${max}`,
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
    throw new OptionError(`${owner}: tools must be a list of tools created by tool()`);
  }
  const names = tools.map(({ name }) => name);
  const duplicate = names.find((name, position) => names.indexOf(name) !== position);
  if (duplicate === undefined) return;
  throw new OptionError(`${owner}: there are two tools named "${duplicate}"`);
}

function checkModels(owner: string, models: Readonly<Record<string, string>>): void {
  const isRecord = typeof models === 'object' && models !== null && !Array.isArray(models);
  if (isRecord && Object.values(models).every((text) => typeof text === 'string')) return;
  throw new OptionError(
    `${owner}: models must map names to descriptions, like { fast: 'short texts' }`,
  );
}

function checkExamples(owner: string, examples: readonly PlanExample[]): void {
  const isExample = ({ goal, tasks }: Partial<PlanExample>) =>
    typeof goal === 'string' && Array.isArray(tasks);
  if (Array.isArray(examples) && examples.every((each) => each !== null && isExample(each))) return;
  throw new OptionError(`${owner}: examples must be a list of plans: { goal, tasks }`);
}
