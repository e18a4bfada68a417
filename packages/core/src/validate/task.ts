import { attachmentProblem } from '../contract/attached-bytes.js';
import {
  optionProblem,
  optionsOf,
  TASK_OPTIONS,
  type TaskOptions,
} from '../contract/call-options.js';
import { RUN_AFTER } from '../contract/run-after.js';
import { formatIssues, schemaProblem } from '../contract/schema.js';
import {
  asksModel,
  doesOwnWork,
  hasSubtasks,
  needsRunner,
  TASK_TYPES,
  type Task,
} from '../contract/task.js';
import { TOOL_NAME, toolProblem } from '../contract/tool.js';
import { validateWith } from '../contract/validate-with.js';
import { isPlain } from '../contract/value.js';
import { WAIT_KINDS } from '../contract/wait-for.js';
import { isThenable } from '../util/promise.js';
import { isRecord } from '../util/record.js';
import { didYouMean } from '../util/suggest.js';
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
import { checkModule } from './module.js';
import { checkMetadata, checkRetry } from './settings.js';
import { bodyOf, checkStep } from './step.js';
import { checkForEach, checkRepeat } from './template.js';

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
    add(problems, 'invalid_value', [...path, 'prompt'], 'must be a function');
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

function checkTools(problems: Problems, task: Task, path: PlanPath): void {
  const { tools } = task;
  if (!Array.isArray(tools)) {
    add(problems, 'invalid_value', path, 'must be a list of tools, or of their names');
    return;
  }
  const names = new Set<string>();
  for (const [position, tool] of tools.entries()) {
    const at = [...path, position];
    const problem = typeof tool === 'string' ? nameProblem(tool) : toolProblem(tool);
    if (problem !== undefined) {
      add(problems, 'invalid_value', at, problem);
      continue;
    }
    const name = typeof tool === 'string' ? tool : tool.name;
    if (names.has(name)) add(problems, 'duplicate_tool', at, `duplicate tool "${name}"`);
    names.add(name);
  }
  if (asksModel(task)) return;
  add(problems, 'conflict', path, `has no effect on a task with ${bodyOf(task)}`);
}

function checkAttachments(problems: Problems, task: Task, path: PlanPath): void {
  const { attachments, tool, command } = task;
  if (tool !== undefined || command !== undefined) {
    const message = `has no effect on a task with ${bodyOf(task)}`;
    add(problems, 'conflict', path, message);
  }
  if (!Array.isArray(attachments)) {
    add(problems, 'invalid_value', path, 'must be a list of paths, addresses or objects');
    return;
  }
  for (const [position, attachment] of attachments.entries()) {
    const problem = attachmentProblem(attachment);
    if (problem !== undefined) add(problems, 'invalid_value', [...path, position], problem);
  }
}

/** Checks the options of a task for its model. */
function checkCallOptions(problems: Problems, task: Task, path: PlanPath): void {
  const options = optionsOf(task);
  if (options === undefined) return;
  for (const name of Object.keys(options) as (keyof TaskOptions)[]) {
    const problem = optionProblem(name, task[name]);
    if (problem !== undefined) add(problems, 'invalid_value', [...path, name], problem);
    if (asksModel(task)) continue;
    add(problems, 'conflict', [...path, name], `has no effect on a task with ${bodyOf(task)}`);
  }
  const { toolChoice, tools, serverTools } = task;
  const serverNames = serverTools === undefined ? [] : typesOf(serverTools);
  checkNameClash(problems, namesOf(tools), serverNames, [...path, 'serverTools']);
  if (task.stream === false && task.idleTimeoutMs !== undefined) {
    const message = 'would end every attempt that does not stream: remove it, or stream: false';
    add(problems, 'conflict', [...path, 'idleTimeoutMs'], message);
  }
  if (toolChoice === undefined) return;
  const at = [...path, 'toolChoice'];
  if ((tools ?? serverTools) === undefined) {
    add(problems, 'conflict', at, 'has no effect on a task without tools');
  } else if (isRecord(toolChoice)) {
    const names = [...namesOf(tools), ...serverNames];
    const { toolName } = toolChoice as { readonly toolName?: string };
    if (names.includes(toolName)) return;
    const hint = didYouMean(String(toolName), names.map(String));
    add(problems, 'unknown_tool', [...at, 'toolName'], `is none of the task's tools.${hint}`);
  }
}

function namesOf(tools: Task['tools']): unknown[] {
  if (!Array.isArray(tools)) return [];
  return Array.from(tools, (each) => (typeof each === 'string' ? each : Object(each).name));
}

/** The names of the tools that the provider runs. */
function typesOf(serverTools: unknown): unknown[] {
  if (!Array.isArray(serverTools)) return [];
  return Array.from(serverTools, (each) => (isRecord(each) ? each.type : each));
}

/** A model could not tell tools of the same name apart. */
function checkNameClash(
  problems: Problems,
  names: readonly unknown[],
  serverNames: readonly unknown[],
  path: PlanPath,
): void {
  const both = serverNames.find((name) => names.includes(name));
  if (both === undefined) return;
  add(problems, 'conflict', path, `the task has a tool named "${both}" too; rename that tool`);
}

function nameProblem(name: string): string | undefined {
  return TOOL_NAME.test(name) ? undefined : 'must be the name of a tool: letters, digits, _ and -';
}

const WAIT_FIELDS = ['kind', 'timeoutMs', 'default'];

function checkWaitFor(problems: Problems, task: Task, path: PlanPath): void {
  const waitFor: unknown = task.waitFor;
  const wait: unknown = typeof waitFor === 'string' ? { kind: waitFor } : waitFor;
  if (!isRecord(wait)) {
    add(problems, 'invalid_value', path, `must be one of ${WAIT_KINDS.join(', ')}`);
    return;
  }
  checkFields(problems, wait, WAIT_FIELDS, path);
  checkWord(problems, wait.kind ?? null, WAIT_KINDS, path);
  checkNumber(problems, wait.timeoutMs, [...path, 'timeoutMs'], POSITIVE_MS);
  if (wait.default !== undefined && wait.timeoutMs === undefined) {
    const message = 'has no effect without timeoutMs';
    add(problems, 'conflict', [...path, 'default'], message);
  }
  const isApproval = wait.kind === 'approval';
  if (isApproval && wait.default !== undefined && typeof wait.default !== 'boolean') {
    add(problems, 'invalid_value', [...path, 'default'], 'must be true or false for an approval');
  }
  if (wait.default !== undefined) checkDefault(problems, task, wait.default, [...path, 'default']);
  const idle = [
    'run',
    'tool',
    'command',
    'subtasks',
    'tools',
    'retry',
    'timeoutMs',
    'idleTimeoutMs',
    'attachments',
    ...TASK_OPTIONS,
    ...(isApproval ? ['outputSchema'] : []),
  ];
  for (const field of idle as (keyof Task)[]) {
    if (task[field] === undefined) continue;
    const message = `has no effect on a task that waits for an ${isApproval ? 'approval' : 'answer'}`;
    add(problems, 'conflict', [...path.slice(0, -1), field], message);
  }
}

/** Validates a default like any other answer, unless its schema is asynchronous. */
function checkDefault(
  problems: Problems,
  { outputSchema }: Task,
  value: unknown,
  path: PlanPath,
): void {
  if (outputSchema === undefined || schemaProblem(outputSchema, undefined) !== undefined) return;
  const result = validateWith(outputSchema, value);
  if (isThenable(result)) {
    Promise.resolve(result).catch(() => {});
    return;
  }
  if (result.issues === undefined) return;
  add(problems, 'invalid_value', path, `does not fit the schema: ${formatIssues(result.issues)}`);
}
