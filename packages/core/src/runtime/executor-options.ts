import { checkStrategy } from '../contract/cap.js';
import { checkOptions } from '../contract/check-options.js';
import type { CommandRunner } from '../contract/command-runner.js';
import { OptionError } from '../contract/errors.js';
import type { OutputFiles } from '../contract/output-files.js';
import type { ResourceLimits } from '../contract/resource-limit.js';
import type { TaskRunner } from '../contract/runner.js';
import type { Strategy } from '../contract/strategy.js';
import { type Tool, toolProblem } from '../contract/tool.js';
import { isRecord } from '../util/record.js';
import { didYouMean } from '../util/suggest.js';
import { checkRunOptions, RUN_OPTIONS, type RunOptions } from './options.js';
import { Runners } from './runners.js';

/** What `createExecutor` returned. */
interface AnyExecutor {
  readonly execute: (...args: never[]) => unknown;
  readonly resume: (...args: never[]) => unknown;
}

/** The strategy and the runners of an executor, what its runs share, and the defaults of each run. */
export interface ExecutorOptions extends RunOptions {
  /**
   * The maximum number of attempts in flight, of all runs of this executor together. While several
   * runs want more places, each gets its share as attempts end. `maxParallel` of a single run bounds
   * that run further.
   *
   * A task that awaits a run of its own executor keeps its place meanwhile, and may take the last one:
   * give such runs another executor.
   * @default no common limit; each run has the strategy's own `maxParallel`, or 16
   */
  readonly maxParallel?: number | undefined;
  /** Caps of resources, for all runs of this executor together; see `RunOptions`. */
  readonly resources?: ResourceLimits | undefined;
  /**
   * Another executor whose `maxParallel` and `resources` bound the runs of both together, such as that of
   * the runs that these judge. It replaces these two options.
   * @default the places are its own
   */
  readonly sharePlacesOf?: AnyExecutor | undefined;
  /** Decides which ready task starts next. */
  readonly strategy: Strategy;
  /**
   * Runs the tasks without a `run` function and, where there are `runners`, without a `model`. Required
   * only when there are such tasks. The name of one of `runners` will do.
   */
  readonly runner?: TaskRunner | string | undefined;
  /**
   * Runners by name. A task chooses one by its `model`: the name, or the name and another model of that
   * runner, such as `deep/claude-opus-5-5`. A name always comes before the id of a model. Any other
   * `model` is a problem of the plan, which is reported before anything runs.
   * @default there are none: `model` is a model of `runner`
   *
   * @example
   * createExecutor({
   *   strategy: parallel(),
   *   runners: { fast: openai({ model: 'gpt-6.1-luna' }), deep: anthropic() },
   *   runner: 'fast',
   * });
   */
  readonly runners?: Readonly<Record<string, TaskRunner>> | undefined;
  /** Tools that tasks may list or call by name, as tasks in plan files do. */
  readonly tools?: readonly Tool[] | undefined;
  /**
   * Runs the commands of tasks, such as `commandRunner()` of `@stratagem/node`. Only give it for plans that
   * you trust: what they name is run.
   * @default a plan with a command is refused
   */
  readonly commands?: CommandRunner | undefined;
  /**
   * Where tasks save their outputs, such as `outputFolder('reports')` of `@stratagem/node`.
   * @default a plan with a task that has `save` is refused
   */
  readonly files?: OutputFiles | undefined;
}

/** @throws {OptionError} when an option of an executor is unknown or out of range. */
export function checkExecutorOptions(options: ExecutorOptions): void {
  checkOptions('createExecutor()', options, [
    'strategy',
    'runner',
    'runners',
    'tools',
    'commands',
    'files',
    'sharePlacesOf',
    ...RUN_OPTIONS,
  ]);
  const { strategy, runner: _, runners: __, tools = [], commands, files, ...more } = options;
  const { sharePlacesOf, ...defaults } = more;
  const { maxParallel, resources } = defaults;
  if (sharePlacesOf !== undefined && (maxParallel ?? resources) !== undefined) {
    const name = maxParallel === undefined ? 'resources' : 'maxParallel';
    throw new OptionError(`createExecutor(): sharePlacesOf replaces ${name}: give one of them`);
  }
  checkStrategy('createExecutor()', strategy);
  checkRunOptions('createExecutor()', defaults);
  checkTools(tools);
  checkMethod('commands', commands, 'run');
  checkMethod('files', files, 'write');
}

/** @throws {OptionError} when an option is not an object with this method. */
function checkMethod(name: string, value: object | undefined, method: string): void {
  const given = (value as Readonly<Record<string, unknown>> | undefined)?.[method];
  if (value === undefined || typeof given === 'function') return;
  throw new OptionError(`createExecutor(): ${name} must be an object with a method ${method}()`);
}

function checkTools(tools: readonly Tool[]): void {
  if (!Array.isArray(tools))
    throw new OptionError('createExecutor(): tools must be a list of tools');
  const names = new Set<string>();
  for (const tool of tools as readonly Tool[]) {
    const problem = toolProblem(tool);
    if (problem !== undefined) throw new OptionError(`createExecutor(): tools: ${problem}`);
    if (names.has(tool.name)) {
      throw new OptionError(`createExecutor(): there are two tools "${tool.name}"`);
    }
    names.add(tool.name);
  }
}

/** @throws {OptionError} when one of them is no runner. */
export function runnersOf(
  runner: ExecutorOptions['runner'],
  named: ExecutorOptions['runners'],
): Runners {
  const must = 'must be a TaskRunner, an object with a name and run()';
  if (named !== undefined && !isRecord(named)) {
    throw new OptionError('createExecutor(): runners must be an object of runners by name');
  }
  for (const [name, each] of Object.entries(named ?? {})) {
    if (!isRunner(each)) throw new OptionError(`createExecutor(): runners.${name} ${must}`);
    if (name !== '' && !name.includes('/')) continue;
    throw new OptionError(`createExecutor(): the name "${name}" of a runner is empty or has a /`);
  }
  if (typeof runner !== 'string') {
    if (runner === undefined || isRunner(runner)) return new Runners(runner, named);
    throw new OptionError(`createExecutor(): runner ${must}`);
  }
  const names = Object.keys(named ?? {});
  if (names.includes(runner)) return new Runners(named?.[runner], named);
  const hint = didYouMean(runner, names) || ` They are ${names.join(', ') || 'none'}.`;
  throw new OptionError(`createExecutor(): runner "${runner}" is none of runners.${hint}`);
}

function isRunner(value: TaskRunner): boolean {
  return typeof value?.run === 'function' && typeof value.name === 'string';
}
