import { attachmentProblem } from '../contract/attached-bytes.js';
import { optionProblem, optionsOf, type TaskOptions } from '../contract/call-options.js';
import { asksModel, type Task } from '../contract/task.js';
import { TOOL_NAME, toolProblem } from '../contract/tool.js';
import { isRecord } from '../util/record.js';
import { didYouMean } from '../util/suggest.js';
import { add, type PlanPath, type Problems } from './checks.js';
import { bodyOf } from './step.js';

export function checkTools(problems: Problems, task: Task, path: PlanPath): void {
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

export function checkAttachments(problems: Problems, task: Task, path: PlanPath): void {
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
export function checkCallOptions(problems: Problems, task: Task, path: PlanPath): void {
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
