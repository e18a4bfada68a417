import { TASK_OPTIONS } from '../contract/call-options.js';
import { RUN_AFTER } from '../contract/run-after.js';
import { schemaProblem } from '../contract/schema.js';
import {
  asksModel,
  doesOwnWork,
  hasSubtasks,
  needsRunner,
  TASK_TYPES,
  type Task,
} from '../contract/task.js';
import { isPlain } from '../contract/value.js';
import { isRecord } from '../util/record.js';
import {
  add,
  checkFields,
  checkNumber,
  checkWord,
  isListOfIds,
  NOT_UNREADABLE,
  type PlanPath,
  POSITIVE_MS,
  type Problems,
  SOME_MS,
  UNREADABLE,
} from './checks.js';
import { checkCondition } from './condition.js';
import { checkAttachments, checkCallOptions, checkTools } from './model-calls.js';
import { checkModule } from './module.js';
import { checkMetadata, checkRetry } from './settings.js';
import { bodyOf, checkStep } from './step.js';
import { checkForEach, checkRepeat } from './template.js';
import { checkWaitFor } from './wait-for.js';

/** Most tasks have no other fields. Their values are checked by `checkTask`. */
const COMMON_FIELDS = [
  'id',
  'description',
  'dependencies',
  'run',
  'type',
  'priority',
  'estimate',
  'metadata',
  'prompt',
];

/** All fields; the values of those that are not common are checked by `checkControl`. */
const TASK_FIELDS = [
  'id',
  'description',
  'dependencies',
  'run',
  'type',
  'runAfter',
  'priority',
  'estimate',
  'metadata',
  'prompt',
  'outputSchema',
  'when',
  'forEach',
  'repeat',
  'subtasks',
  'plan',
  'with',
  'retry',
  'timeoutMs',
  'idleTimeoutMs',
  'waitFor',
  'tools',
  'tool',
  'args',
  'command',
  'save',
  'attachments',
  ...TASK_OPTIONS,
];

const ESTIMATE_FIELDS = ['durationMs', 'tokens', 'costUsd'];

/** Checks a task by itself, and its subtasks. */
export function checkTask(
  problems: Problems,
  task: Task,
  path: PlanPath,
  maxDepth: number,
  depth = 1,
): void {
  if (!isRecord(task)) {
    add(problems, 'invalid_value', path, 'a task is an object with an id and a description');
    return;
  }
  const isCommon = hasCommonFieldsAlone(task);
  if (!isCommon) checkFields(problems, task, TASK_FIELDS, path);
  const { id, type, dependencies, priority, estimate, metadata } = task as Task;
  if (typeof id !== 'string' || id === '') {
    const code = id === undefined ? 'missing_field' : 'invalid_value';
    add(problems, code, [...path, 'id'], 'must be a non-empty string');
  } else if (UNREADABLE.test(id)) {
    add(problems, 'invalid_value', [...path, 'id'], NOT_UNREADABLE);
  }
  checkBody(problems, task as Task, path);
  if (type !== undefined) checkWord(problems, type, TASK_TYPES, [...path, 'type']);
  if (dependencies !== undefined && !isListOfIds(dependencies)) {
    const message = `must be a list of task ids, like ["research"]`;
    add(problems, 'invalid_value', [...path, 'dependencies'], message);
  }
  if (priority !== undefined && !Number.isFinite(priority)) {
    add(problems, 'invalid_value', [...path, 'priority'], 'must be a number');
  }
  if (estimate !== undefined) checkEstimate(problems, estimate, [...path, 'estimate']);
  if (metadata !== undefined) checkMetadata(problems, metadata, [...path, 'metadata']);
  if (!isCommon) {
    checkControl(problems, task as Task, path);
    checkModule(problems, task as Task, path);
  }
  if (task.subtasks !== undefined) checkSubtasks(problems, task as Task, path, maxDepth, depth);
}

/** Whether a task has no field that controls when and how it runs. */
function hasCommonFieldsAlone(task: object): boolean {
  for (const name in task) if (!COMMON_FIELDS.includes(name)) return false;
  // The getters of a class are not listed.
  return Object.getPrototypeOf(task) === Object.prototype || isPlain(task);
}

/** Checks the work of a task: a prompt, a function, or subtasks. */
function checkBody(problems: Problems, task: Task, path: PlanPath): void {
  const { description, prompt, run } = task;
  if (run !== undefined && typeof run !== 'function') {
    add(problems, 'invalid_value', [...path, 'run'], 'must be a function');
  }
  if (prompt !== undefined && typeof prompt !== 'function') {
    const message = 'must be a function of the inputs; write a fixed prompt as the description';
    add(problems, 'invalid_value', [...path, 'prompt'], message);
  }
  const needsPrompt = asksModel(task) && prompt === undefined && !hasSubtasks(task);
  if (description === undefined) {
    if (needsPrompt) {
      const message =
        'is missing; a task without a run function, tool or command needs a description, which is its prompt';
      add(problems, 'missing_field', [...path, 'description'], message);
    }
  } else if (typeof description !== 'string') {
    add(problems, 'invalid_value', [...path, 'description'], 'must be a string');
  } else if (description.trim() === '' && needsPrompt) {
    add(problems, 'invalid_value', [...path, 'description'], 'must not be empty; it is the prompt');
  }
  if (prompt !== undefined && !asksModel(task)) {
    const message = `has no effect on a task with ${bodyOf(task)}`;
    add(problems, 'conflict', [...path, 'prompt'], message);
  }
}

function checkEstimate(problems: Problems, estimate: unknown, path: PlanPath): void {
  if (!isRecord(estimate)) {
    add(problems, 'invalid_value', path, 'must be an object like { durationMs: 2000 }');
    return;
  }
  checkFields(problems, estimate, ESTIMATE_FIELDS, path);
  checkNumber(problems, estimate.durationMs, [...path, 'durationMs'], SOME_MS);
  const tokens = { min: 0, what: 'a number of tokens ≥ 0' };
  checkNumber(problems, estimate.tokens, [...path, 'tokens'], tokens);
  const dollars = { min: 0, what: 'a number of US dollars ≥ 0' };
  checkNumber(problems, estimate.costUsd, [...path, 'costUsd'], dollars);
}

/** Checks the fields that control when and how a task runs, except its subtasks. */
export function checkControl(problems: Problems, task: Task, path: PlanPath): void {
  const { outputSchema, when, forEach, repeat, retry, waitFor, tools } = task;
  if (outputSchema !== undefined) {
    const problem = schemaProblem(outputSchema, needsRunner(task) ? 'output' : undefined);
    if (problem !== undefined) add(problems, 'invalid_value', [...path, 'outputSchema'], problem);
  }
  if (when !== undefined && typeof when !== 'function') {
    checkCondition(problems, when, [...path, 'when']);
  }
  if (task.runAfter !== undefined) checkRunAfter(problems, task, [...path, 'runAfter']);
  if (forEach !== undefined) checkForEach(problems, forEach, [...path, 'forEach']);
  if (repeat !== undefined) checkRepeat(problems, repeat, [...path, 'repeat']);
  if (retry !== undefined) checkRetry(problems, retry, [...path, 'retry']);
  checkNumber(problems, task.timeoutMs, [...path, 'timeoutMs'], POSITIVE_MS);
  checkNumber(problems, task.idleTimeoutMs, [...path, 'idleTimeoutMs'], POSITIVE_MS);
  if (tools !== undefined) checkTools(problems, task, [...path, 'tools']);
  if (task.attachments !== undefined) checkAttachments(problems, task, [...path, 'attachments']);
  checkCallOptions(problems, task, path);
  if (waitFor !== undefined) checkWaitFor(problems, task, [...path, 'waitFor']);
  checkStep(problems, task, path);
  const isGroup = Array.isArray(task.subtasks) || task.plan !== undefined;
  if (isGroup && !doesOwnWork(task)) checkGroup(problems, task, path);
}

function checkRunAfter(problems: Problems, { runAfter, dependencies }: Task, path: PlanPath): void {
  checkWord(problems, runAfter, RUN_AFTER, path);
  if (runAfter === 'success' || !Array.isArray(dependencies ?? []) || dependencies?.length) return;
  const message = 'has no effect on a task without dependencies; name the tasks that it runs after';
  add(problems, 'conflict', path, message);
}

function checkSubtasks(
  problems: Problems,
  task: Task,
  path: PlanPath,
  maxDepth: number,
  depth: number,
): void {
  const subtasks: unknown = task.subtasks;
  const at = [...path, 'subtasks'];
  if (!Array.isArray(subtasks)) {
    add(problems, 'invalid_value', at, 'must be a list of tasks');
    return;
  }
  if (depth >= maxDepth) {
    const message = `is nested deeper than maxDepth, which is ${maxDepth}`;
    add(problems, 'too_deep', at, message);
    return;
  }
  for (const [position, subtask] of subtasks.entries()) {
    checkTask(problems, subtask as Task, [...at, position], maxDepth, depth + 1);
  }
}

const GROUP_IDLE_FIELDS = [
  'outputSchema',
  'tools',
  'retry',
  'timeoutMs',
  'idleTimeoutMs',
  'prompt',
  'attachments',
  ...TASK_OPTIONS,
] as const;

/** Reports fields that have no effect on a task without work of its own. */
function checkGroup(problems: Problems, task: Task, path: PlanPath): void {
  for (const field of GROUP_IDLE_FIELDS) {
    if (task[field] === undefined) continue;
    const message =
      task.plan === undefined
        ? 'has no effect on a task that only has subtasks; ' +
          'make it an aggregate with a prompt, or give it a run function'
        : 'has no effect on a module; set it in the plan of the module, or on its tasks';
    add(problems, 'conflict', [...path, field], message);
  }
}
