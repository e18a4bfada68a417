import { StratagemError } from '../contract/errors.js';
import { formatPath, PlanError, type PlanProblem } from '../contract/plan-error.js';
import type { Task } from '../contract/task.js';
import type { Tool } from '../contract/tool.js';
import { didYouMean } from '../util/suggest.js';
import type { Runners } from './runners.js';

/** Looks up the tools that tasks list by name. */
export class Toolbox {
  readonly #byName: ReadonlyMap<string, Tool>;

  constructor(tools: readonly Tool[]) {
    this.#byName = new Map(tools.map((tool) => [tool.name, tool]));
  }

  /** The tools of a task that `require` has checked. */
  of({ tools = [] }: Task): readonly Tool[] {
    return tools.flatMap((tool) => (typeof tool === 'string' ? this.#find(tool) : tool));
  }

  /**
   * Checks the tools that tasks and their subtasks list.
   *
   * @throws {PlanError} when a task names an unknown tool.
   * @throws {StratagemError} `unsupported_tools` when the runner does not support tools.
   */
  require(tasks: readonly Task[], runners: Pick<Runners, 'of'>): void {
    const problems: PlanProblem[] = [];
    for (const [task, path] of tasksWithTools(tasks, ['tasks'])) {
      for (const [position, name] of (task.tools ?? []).entries()) {
        if (typeof name !== 'string' || this.#byName.has(name)) continue;
        const names = [...this.#byName.keys()];
        const message = `there is no tool "${name}".${didYouMean(name, names) || listOf(names)}`;
        problems.push({
          code: 'unknown_tool',
          path: [...path, 'tools', position],
          message,
        });
      }
      const runner = runners.of(task);
      if (problems.length === 0 && runner?.supportsTools !== true) {
        throw new StratagemError(
          'unsupported_tools',
          `Task "${task.id}" (${formatPath(path)}) lists tools, but the runner ` +
            `"${runner?.name}" does not let its model call any`,
        );
      }
    }
    if (problems.length > 0) throw new PlanError(problems);
  }

  #find(name: string): Tool | [] {
    return this.#byName.get(name) ?? [];
  }
}

function listOf(names: readonly string[]): string {
  return names.length === 0
    ? ' The executor was given no tools.'
    : ` The executor was given ${names.join(', ')}.`;
}

function* tasksWithTools(
  tasks: readonly Task[],
  path: readonly (string | number)[],
): Generator<[Task, readonly (string | number)[]]> {
  for (let position = 0; position < tasks.length; position++) {
    const task = tasks[position] as Task;
    if (task.tools !== undefined && task.tools.length > 0) yield [task, [...path, position]];
    if (task.subtasks !== undefined) {
      yield* tasksWithTools(task.subtasks, [...path, position, 'subtasks']);
    }
  }
}
