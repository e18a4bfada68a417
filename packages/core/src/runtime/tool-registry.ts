import type { CommandRunner } from '../contract/command-runner.js';
import { StratagemError } from '../contract/errors.js';
import { writtenTasksOf } from '../contract/module.js';
import type { OutputFiles } from '../contract/output-files.js';
import { formatPath, PlanError, type PlanProblem } from '../contract/plan-error.js';
import type { Task } from '../contract/task.js';
import type { Tool } from '../contract/tool.js';
import { didYouMean } from '../util/suggest.js';
import { checkArgs } from '../validate/step.js';
import type { Runners } from './runners.js';

/** The tools that tasks list or call by name, what runs their commands, and where they save outputs. */
export class Toolbox {
  readonly commands: CommandRunner | undefined;
  readonly files: OutputFiles | undefined;
  readonly #byName: ReadonlyMap<string, Tool>;

  constructor(tools: readonly Tool[], commands?: CommandRunner, files?: OutputFiles) {
    this.#byName = new Map(tools.map((tool) => [tool.name, tool]));
    this.commands = commands;
    this.files = files;
  }

  /** The tools of a task that `require` has checked. */
  of({ tools = [] }: Task): readonly Tool[] {
    return tools.flatMap((tool) => (typeof tool === 'string' ? this.#find(tool) : tool));
  }

  /** The tool that a task calls without a model. */
  called({ tool }: Task): Tool | undefined {
    return typeof tool === 'string' ? this.#byName.get(tool) : tool;
  }

  /**
   * Checks the tools that tasks and their subtasks list or call, the arguments of calls as far as they are
   * known, and whether commands may run and outputs be saved.
   *
   * @param areAdded Whether the tasks are added while a plan runs: they must not have commands.
   * @throws {PlanError} with all problems: unknown tools, arguments that do not fit, commands, files.
   * @throws {StratagemError} `unsupported_tools` when the runner does not support tools.
   */
  require(tasks: readonly Task[], runners: Pick<Runners, 'of'>, areAdded = false): void {
    const problems: PlanProblem[] = [];
    eachTaskWithTools(tasks, ['tasks'], (task, path) => {
      if (task.tool !== undefined) this.#checkCall(task, path, problems);
      if (task.command !== undefined && (areAdded || this.commands === undefined)) {
        const message = areAdded ? NO_ADDED_COMMANDS : NO_COMMANDS;
        problems.push({ code: 'not_allowed', path: [...path, 'command'], message });
      }
      if (task.save !== undefined && this.files === undefined) {
        problems.push({ code: 'not_allowed', path: [...path, 'save'], message: NO_FILES });
      }
      if (task.tools === undefined || task.tools.length === 0) return;
      for (const [position, name] of task.tools.entries()) {
        if (typeof name !== 'string' || this.#byName.has(name)) continue;
        const message = this.#unknown(name);
        problems.push({ code: 'unknown_tool', path: [...path, 'tools', position], message });
      }
      const runner = runners.of(task);
      if (problems.length === 0 && runner?.supportsTools !== true) {
        throw new StratagemError(
          'unsupported_tools',
          `Task "${task.id}" (${formatPath(path)}) lists tools, but the runner ` +
            `"${runner?.name}" does not let its model call any`,
        );
      }
    });
    if (problems.length > 0) throw new PlanError(problems);
  }

  #checkCall(task: Task, path: PlanProblem['path'], problems: PlanProblem[]): void {
    const tool = this.called(task);
    if (tool === undefined) {
      const message = this.#unknown(task.tool as string);
      problems.push({ code: 'unknown_tool', path: [...path, 'tool'], message });
    } else if (typeof task.tool === 'string') checkArgs(problems, task, tool, path);
  }

  #unknown(name: string): string {
    const names = [...this.#byName.keys()];
    return `there is no tool "${name}".${didYouMean(name, names) || listOf(names)}`;
  }

  #find(name: string): Tool | [] {
    return this.#byName.get(name) ?? [];
  }
}

const NO_FILES =
  'the executor saves no files: createExecutor() needs `files`, such as outputFolder() of @stratagem/node';
const NO_COMMANDS =
  'the executor runs no commands: createExecutor() needs `commands`, such as commandRunner() of @stratagem/node';
const NO_ADDED_COMMANDS =
  'a task that is added while a plan runs cannot have a command; only those of the plan itself run';

function listOf(names: readonly string[]): string {
  return names.length === 0
    ? ' The executor was given no tools.'
    : ` The executor was given ${names.join(', ')}.`;
}

function eachTaskWithTools(
  tasks: readonly Task[],
  path: readonly (string | number)[],
  visit: (task: Task, path: readonly (string | number)[]) => void,
): void {
  for (let position = 0; position < tasks.length; position++) {
    const task = tasks[position] as Task;
    const { tools, tool, command, save, subtasks, plan } = task;
    if ((tools ?? tool ?? command ?? save) !== undefined) visit(task, [...path, position]);
    if (subtasks === undefined && plan === undefined) continue;
    const inner = writtenTasksOf(task);
    eachTaskWithTools(inner.tasks, [...path, position, ...inner.path], visit);
  }
}
