import { savePathProblem } from '../contract/output-files.js';
import { readPath } from '../contract/reference.js';
import { isStandardSchema, jsonSchemaOf } from '../contract/schema.js';
import { COMMAND_OUTPUTS, commandOf } from '../contract/step.js';
import { doesOwnWork, type Task } from '../contract/task.js';
import { parseTemplate } from '../contract/template.js';
import { TOOL_NAME, type Tool, toolProblem } from '../contract/tool.js';
import { validateWith } from '../contract/validate-with.js';
import { isThenable } from '../util/promise.js';
import { isRecord } from '../util/record.js';
import { didYouMean } from '../util/suggest.js';
import { add, checkFields, checkWord, type PlanPath, type Problems } from './checks.js';

/** Arguments are filled in recursively, so their depth is limited. */
const MAX_ARGS_DEPTH = 50;

/** Checks the fields of a task that calls a tool, runs a command or saves its output. */
export function checkStep(problems: Problems, task: Task, path: PlanPath): void {
  const { tool, args, command, save } = task;
  if ((tool ?? args ?? command ?? save) === undefined) return;
  if (tool !== undefined) checkTool(problems, tool, [...path, 'tool']);
  if (args !== undefined) checkArgsField(problems, task, [...path, 'args']);
  if (command !== undefined) checkCommand(problems, command, [...path, 'command']);
  if (save !== undefined) checkSave(problems, task, [...path, 'save']);
  const bodies = (['run', 'tool', 'command'] as const).filter((field) => task[field] !== undefined);
  for (const field of bodies.slice(1)) {
    const message = `cannot be combined with ${bodies[0]}: a task does one thing`;
    add(problems, 'conflict', [...path, field], message);
  }
}

/** What does the work of a task without a model, for messages. */
export function bodyOf(task: Task): string {
  if (task.run !== undefined) return 'a run function';
  return task.tool === undefined ? 'a command' : 'a tool';
}

function checkTool(problems: Problems, tool: Tool | string, path: PlanPath): void {
  const isName = typeof tool === 'string';
  if (isName && TOOL_NAME.test(tool)) return;
  const problem = isName
    ? 'must be the name of a tool: letters, digits, _ and -'
    : toolProblem(tool);
  if (problem !== undefined) add(problems, 'invalid_value', path, problem);
}

function checkArgsField(problems: Problems, task: Task, path: PlanPath): void {
  const { tool, args } = task;
  if (tool === undefined) {
    add(problems, 'conflict', path, 'has no effect without a tool; name the one that it is for');
  }
  if (typeof args === 'function') return;
  if (!isRecord(args)) {
    const message =
      'must be an object with the input of the tool, like { q: "{{inputs.company}}" }';
    add(problems, 'invalid_value', path, message);
  } else if (isDeeper(args, MAX_ARGS_DEPTH)) {
    add(problems, 'too_deep', path, `is nested deeper than ${MAX_ARGS_DEPTH} levels`);
  } else if (isRecord(tool) && toolProblem(tool) === undefined) {
    checkArgs(problems, task, tool as unknown as Tool, path.slice(0, -1));
  }
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((each) => isDeeper(each, depth - 1));
}

/**
 * Checks the arguments of a call against the schema of the tool: their names, and the values that have no
 * references.
 */
export function checkArgs(problems: Problems, task: Task, tool: Tool, path: PlanPath): void {
  const { args = {} } = task;
  if (!isRecord(args)) return;
  const at = [...path, 'args'];
  const { name, inputSchema } = tool;
  const json = jsonSchemaOf(inputSchema, 'input') ?? {};
  const known = Object.keys(Object(json.properties));
  const reported = new Set<unknown>();
  const report = (code: 'missing_field' | 'unknown_field', field: string, message: string) => {
    reported.add(field);
    add(problems, code, [...at, field], message);
  };
  for (const field of Array.isArray(json.required) ? (json.required as string[]) : []) {
    if (args[field] === undefined) {
      report('missing_field', field, `is missing; the tool "${name}" needs it`);
    }
  }
  for (const field of isClosed(json) ? Object.keys(args) : []) {
    if (known.includes(field) || args[field] === undefined) continue;
    const list = known.length === 0 ? ' It takes none.' : ` It takes ${known.join(', ')}.`;
    const advice = didYouMean(field, known) || list;
    report('unknown_field', field, `the tool "${name}" has no argument "${field}".${advice}`);
  }
  // Plain JSON Schema is compiled when the tool is called: that loads more code.
  const result = isStandardSchema(inputSchema) ? validateWith(inputSchema, args) : undefined;
  if (isThenable(result)) {
    Promise.resolve(result).catch(() => {});
    return;
  }
  for (const { message, path: place = [] } of result?.issues ?? []) {
    const steps = place.map((step) => (typeof step === 'object' ? step.key : step));
    const value = readPath(args, steps as string[]);
    if (reported.has(steps[0]) || refersToInputs(value)) continue;
    // An issue of the whole is about the arguments that were reported.
    if (steps.length === 0 && reported.size > 0) continue;
    const shown = steps.map((step) => (typeof step === 'number' ? step : String(step)));
    add(problems, 'invalid_value', [...at, ...shown], message);
  }
}

/** Whether a schema of an object says all fields that it may have. */
function isClosed(json: Readonly<Record<string, unknown>>): boolean {
  const { properties, additionalProperties = false } = json;
  const isOpen = ['patternProperties', 'anyOf', 'oneOf', 'allOf', '$ref'].some(
    (key) => key in json,
  );
  return isRecord(properties) && additionalProperties === false && !isOpen;
}

/** Whether a text in a value has references, so that the value is not known yet. */
function refersToInputs(value: unknown): boolean {
  if (typeof value === 'string') return hasReferences(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(refersToInputs);
}

export function hasReferences(text: string): boolean {
  return parseTemplate(text, () => false).some((part) => typeof part !== 'string');
}

const COMMAND_FIELDS = ['argv', 'cwd', 'env', 'stdin', 'output'];

function checkCommand(problems: Problems, command: unknown, path: PlanPath): void {
  const isList = Array.isArray(command);
  if (!isList && !isRecord(command)) {
    const message =
      'must be a program and its arguments, like [jq, .items, data.json]; no shell reads it';
    add(problems, 'invalid_value', path, message);
    return;
  }
  const { argv, cwd, env, stdin, output } = commandOf(command as never);
  if (!isList) checkFields(problems, command, COMMAND_FIELDS, path);
  checkArgv(problems, argv, isList ? path : [...path, 'argv']);
  for (const [name, value] of Object.entries({ cwd, stdin })) {
    if (value === undefined || isText(value)) continue;
    add(problems, 'invalid_value', [...path, name], 'must be a text');
  }
  checkWord(problems, output, COMMAND_OUTPUTS, [...path, 'output']);
  if (env === undefined) return;
  if (!isRecord(env)) {
    const message = 'must be an object of variables, like { TOKEN: "{{inputs.token}}" }';
    add(problems, 'invalid_value', [...path, 'env'], message);
    return;
  }
  for (const [name, value] of Object.entries(env)) {
    const at = [...path, 'env', name];
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      add(problems, 'invalid_value', at, 'must be called like a variable: letters, digits and _');
    }
    if (!isText(value)) add(problems, 'invalid_value', at, 'must be a text');
  }
}

function checkArgv(problems: Problems, argv: unknown, path: PlanPath): void {
  if (!Array.isArray(argv) || argv.length === 0) {
    const code = argv === undefined ? 'missing_field' : 'invalid_value';
    add(problems, code, path, 'must be a program and its arguments, like [jq, .items]');
    return;
  }
  for (const [position, argument] of argv.entries()) {
    const at = [...path, position];
    if (!isText(argument)) {
      add(problems, 'invalid_value', at, 'must be a text; a number needs quotes');
    } else if (position === 0 && (argument.trim() === '' || hasReferences(argument))) {
      const message = 'must name the program itself: an output cannot choose what runs';
      add(problems, 'invalid_value', at, message);
    }
  }
}

/** A text that a system call takes. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0');
}

function checkSave(problems: Problems, task: Task, path: PlanPath): void {
  const { save, waitFor } = task;
  if (typeof save !== 'string') {
    add(problems, 'invalid_value', path, 'must be the path of a file, like report.md');
    return;
  }
  // Any name may take the place of a reference.
  const parts = parseTemplate(save, () => false);
  const example = parts.map((part) => (typeof part === 'string' ? part : 'x')).join('');
  const problem = savePathProblem(example);
  if (problem !== undefined) {
    const remedy = 'name a file within the output folder, like reports/summary.md';
    add(problems, 'invalid_value', path, `${problem}; ${remedy}`);
  }
  if (waitFor === undefined && doesOwnWork(task)) return;
  const what = waitFor === undefined ? 'only has subtasks' : 'waits for a human';
  add(problems, 'conflict', path, `has no effect on a task that ${what}`);
}
