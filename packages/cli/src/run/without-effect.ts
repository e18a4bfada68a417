import type { Plan, Task } from '@stratagem/core';
import type { Profiles } from '../options/profiles.js';
import type { RunFlags } from '../options/run-flags.js';
import { callsFetch, hasTask } from './step-options.js';

/** The facts of a plan that decide whether an option has an effect. */
interface Facts {
  readonly given: Partial<RunFlags>;
  /** Whether a task is like this. */
  readonly has: (isSuch: (task: Task) => boolean) => boolean;
  /** Whether some request goes to a model. */
  readonly asksModel: boolean;
  /** Whether some request goes to the runner of the command line. */
  readonly asksRunner: boolean;
  /** How failed attempts are retried where a task does not say. */
  readonly retry: Plan['retry'];
}

type Reason = (facts: Facts) => string | false;

const needsModel: Reason = ({ asksModel }) => !asksModel && 'no task of this plan asks a model';
const needsRunner: Reason = (facts) =>
  needsModel(facts) ||
  (!facts.asksRunner && 'every task of this plan has a model profile with a runner of its own');

/** For each option, the reason why it has no effect with a plan. */
const REASONS: Readonly<Partial<Record<keyof RunFlags, Reason>>> = {
  runner: needsRunner,
  model: needsRunner,
  baseUrl: needsRunner,
  latency: needsRunner,
  replay: needsModel,
  cache: (facts) =>
    needsModel(facts) || (facts.given.replay !== undefined && 'a replay calls no provider'),
  record: needsModel,
  requestsPerMinute: needsModel,
  tokensPerMinute: needsModel,
  budgetTokens: needsModel,
  budgetCost: needsModel,
  prices: needsModel,
  mcpConfig: ({ has, given }) =>
    given.replan === undefined &&
    !has(({ tools = [], tool }) => tools.length > 0 || tool !== undefined) &&
    'no task of this plan lists or calls a tool',
  allowCommands: ({ has }) =>
    !has(({ command }) => command !== undefined) && 'no task of this plan has a command',
  allowHosts: ({ has }) => !has(callsFetch) && 'no task of this plan fetches',
  outputDir: ({ has }) =>
    !has(({ save }) => save !== undefined) && 'no task of this plan saves its output',
  retries: ({ has }) =>
    !has(({ retry, waitFor }) => waitFor === undefined && retry?.maxAttempts === undefined) &&
    'every task of this plan has a number of attempts of its own',
  seed: ({ has, given, retry }) => {
    const usual = given.retries === undefined ? retry?.maxAttempts : given.retries + 1;
    const mayRetry = (task: Task) =>
      task.waitFor === undefined && (task.retry?.maxAttempts ?? usual) !== 1;
    return !has(mayRetry) && 'no task of this plan is tried again';
  },
  failFast: ({ has, given }) => {
    let tasks = 0;
    const isSeveral = ({ forEach, repeat }: Task) =>
      (forEach ?? repeat) !== undefined || ++tasks > 1;
    return !has(isSeveral) && given.replan === undefined && 'the plan has one task';
  },
};

/**
 * The options of a run that have no effect with its plan.
 *
 * @param given The options of the command line, without those of settings: these are for many plans.
 */
export function optionsWithoutEffect(
  { tasks, retry }: Plan,
  models: Profiles | undefined,
  given: Partial<RunFlags>,
): string[] {
  const has = (isSuch: (task: Task) => boolean) => hasTask(tasks, isSuch);
  const asksModel = given.replan !== undefined || has(isForModel);
  const facts = {
    ...{ given, has, asksModel, retry },
    asksRunner: given.replan !== undefined || has((task) => isForRunner(task, models, given)),
  };
  const problems = Object.entries(REASONS).flatMap(([name, reasonOf]) => {
    if (given[name as keyof RunFlags] === undefined) return [];
    const reason = reasonOf(facts);
    const option = name === 'model' ? (given.modelOption ?? '--model') : optionOf(name);
    return reason === false ? [] : `${option} has no effect: ${reason}; remove it`;
  });
  if (given.port !== undefined && !given.ui) {
    problems.push('--port has no effect without --ui: remove it');
  }
  return problems;
}

/** The option that a flag comes from. */
export function optionOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Whether the attempts at a task go to a model. */
export function isForModel(task: Task): boolean {
  const { tool, command, waitFor, plan, subtasks = [], type, description } = task;
  if ((tool ?? command ?? waitFor ?? plan) !== undefined) return false;
  return subtasks.length === 0 || (type === 'aggregate' && description !== undefined);
}

/** The name of the profile that a task asks for. */
export function profileOf({ model }: Task, models: Profiles | undefined): string | undefined {
  if (model === undefined) return models?.default === undefined ? undefined : 'default';
  return models !== undefined && Object.hasOwn(models, model) ? model : model.split('/')[0];
}

function isForRunner(
  task: Task,
  models: Profiles | undefined,
  { runner, replay }: Partial<RunFlags>,
): boolean {
  if (!isForModel(task)) return false;
  // A runner on the command line also takes the place of the default profile.
  const isDefault = task.model === undefined;
  if (models === undefined || (isDefault && (runner ?? replay) !== undefined)) return true;
  const name = profileOf(task, models);
  return name === undefined || models[name]?.runner === undefined;
}
