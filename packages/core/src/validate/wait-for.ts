import { TASK_OPTIONS } from '../contract/call-options.js';
import { formatIssues, schemaProblem } from '../contract/schema.js';
import type { Task } from '../contract/task.js';
import { validateWith } from '../contract/validate-with.js';
import { WAIT_KINDS } from '../contract/wait-for.js';
import { isThenable } from '../util/promise.js';
import { isRecord } from '../util/record.js';
import {
  add,
  checkFields,
  checkNumber,
  checkWord,
  type PlanPath,
  POSITIVE_MS,
  type Problems,
} from './checks.js';

const WAIT_FIELDS = ['kind', 'timeoutMs', 'default'];

export function checkWaitFor(problems: Problems, task: Task, path: PlanPath): void {
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
