import { RunnerError } from '../contract/errors.js';
import { savePathProblem } from '../contract/output-files.js';
import { type CommandCall, commandOf } from '../contract/step.js';
import type { Task } from '../contract/task.js';
import { isLate } from '../util/promise.js';
import { isRecord } from '../util/record.js';
import { fillText, fillValue } from './fill.js';
import type { Inputs } from './inputs.js';

/** The work of a task without a model, with all references filled in. */
export type Step =
  | {
      readonly kind: 'tool';
      /** The name of the tool. */
      readonly tool: string;
      readonly args: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'command'; readonly command: CommandCall };

/**
 * The work of a task with a tool or a command.
 *
 * @param names The names that it may refer to.
 * @throws {RunnerError} `invalid_input` when an input lacks something that it refers to.
 */
export function stepOf(task: Task, inputs: Inputs, names: readonly string[]): Step {
  const isInput = membershipOf(names);
  if (task.command !== undefined) {
    return { kind: 'command', command: commandCallOf(task.command, inputs, isInput) };
  }
  const { tool, args = {} } = task;
  const name = typeof tool === 'string' ? tool : (tool?.name ?? '');
  const given = typeof args === 'function' ? args(inputs) : fillValue(args, inputs, isInput);
  if (isRecord(given)) return { kind: 'tool', tool: name, args: given };
  const kind = isLate(given) ? 'a promise' : typeof given;
  throw new RunnerError('invalid_input', `its args function must return an object, not ${kind}`);
}

/**
 * Where the output of a task is saved.
 *
 * @throws {RunnerError} `invalid_input` when its path is not one within the output folder.
 */
export function savePathOf(save: string, inputs: Inputs, names: readonly string[]): string {
  const path = fillText(save, inputs, membershipOf(names));
  const problem = savePathProblem(path);
  if (problem === undefined) return path;
  throw new RunnerError('invalid_input', `its save path ${JSON.stringify(path)} ${problem}`);
}

function commandCallOf(
  command: NonNullable<Task['command']>,
  inputs: Inputs,
  isInput: (id: string) => boolean,
): CommandCall {
  const { argv, cwd, env, stdin, output = 'text' } = commandOf(command);
  const fill = (text: string) => fillText(text, inputs, isInput);
  const variables = Object.entries(env ?? {}).map(([name, value]) => [name, fill(value)]);
  return {
    argv: argv.map((each, position) => (position === 0 ? each : fill(each))),
    ...(cwd !== undefined && { cwd: fill(cwd) }),
    ...(env !== undefined && { env: Object.fromEntries(variables) }),
    ...(stdin !== undefined && { stdin: fill(stdin) }),
    output,
  };
}

/** Most steps have few inputs; the aggregate of a large fan-in has thousands. */
function membershipOf(names: readonly string[]): (name: string) => boolean {
  let known: ReadonlySet<string> | undefined;
  return (name) => {
    known ??= new Set(names);
    return known.has(name);
  };
}
