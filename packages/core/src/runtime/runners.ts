import type { Budget } from '../contract/budget.js';
import { optionsOf } from '../contract/call-options.js';
import { OptionError, StratagemError } from '../contract/errors.js';
import { writtenTasksOf } from '../contract/module.js';
import { PlanError, type PlanProblem } from '../contract/plan-error.js';
import { type PriceTable, priceOf } from '../contract/price.js';
import { resourceOf, type TaskRequest, type TaskRunner } from '../contract/runner.js';
import { doesOwnWork, localResourceOf, needsRunner, type Task } from '../contract/task.js';
import { didYouMean } from '../util/suggest.js';
import type { ResourceNames } from './resource-budgets.js';

/** A task that asks for no model. */
const NO_MODEL: Task = { id: '' };

/** The runner of a task, and the model that it is asked for beyond that choice. */
interface Choice {
  readonly runner: TaskRunner | undefined;
  readonly model: string | undefined;
}

/**
 * The runners of an executor, and which of them works on a task. With named runners, the `model` of a
 * task is the name of one, or a name and a model of it: `deep/claude-opus-5-5`. Without, it is a model
 * of the only runner.
 */
export class Runners {
  readonly #default: TaskRunner | undefined;
  readonly #named: ReadonlyMap<string, TaskRunner>;

  constructor(
    runner: TaskRunner | undefined,
    named: Readonly<Record<string, TaskRunner>> | undefined,
  ) {
    this.#default = runner;
    this.#named = new Map(Object.entries(named ?? {}));
  }

  /** The runner of tasks that name no model. */
  get default(): TaskRunner | undefined {
    return this.#default;
  }

  /** The runner of a task that `require` has checked. */
  of({ model }: Pick<Task, 'model'>): TaskRunner | undefined {
    return model === undefined ? this.#default : this.#choiceOf(model).runner;
  }

  /** What attempts at a task compete for; `function` without a runner. */
  readonly resourceOf = (task: Task): string => {
    const local = localResourceOf(task);
    if (local !== undefined) return local;
    const { runner, model } =
      task.model === undefined
        ? { runner: this.#default, model: undefined }
        : this.#choiceOf(task.model);
    if (runner === undefined) return 'function';
    return resourceOf(runner, model === task.model ? task : { ...task, model });
  };

  /** What tasks compete for that ask a model and name none; undefined where it depends on the task. */
  get usualResource(): string | undefined {
    const runner = this.#default;
    if (runner === undefined) return 'function';
    return typeof runner.resource === 'function' ? undefined : (runner.resource ?? runner.name);
  }

  /** The runner behind `resourceOf`; undefined where none competes. */
  readonly serverOf = (task: Task): TaskRunner | undefined =>
    localResourceOf(task) === undefined ? this.of(task) : undefined;

  /** The request as the runner gets it: without the name of the runner. */
  requestFor(request: TaskRequest): TaskRequest {
    const { options } = request;
    if (options?.model === undefined || this.#named.size === 0) return request;
    const { model: name, ...others } = options;
    const { model } = this.#choiceOf(name as string);
    const left = model === undefined ? others : { ...others, model };
    const { options: _, ...rest } = request;
    return Object.keys(left).length === 0 ? rest : { ...rest, options: left };
  }

  /**
   * Checks that there is a runner for each task, and that it honours the options of the task.
   *
   * @throws {PlanError} for an unknown name, and for options that the runner does not honour.
   * @throws {StratagemError} `missing_runner` when a task needs a runner and there is none.
   */
  require(tasks: readonly Task[]): void {
    const problems: PlanProblem[] = [];
    this.#check(tasks, ['tasks'], problems, () => {});
    if (problems.length > 0) throw new PlanError(problems);
  }

  /**
   * Checks that a budget in US dollars can be kept.
   *
   * @throws {OptionError} naming the models whose prices are unknown.
   */
  requirePrices(tasks: readonly Task[], budget: Budget | undefined, prices: PriceTable): void {
    const { costUsd, resources = {} } = budget ?? {};
    const limited = Object.keys(resources).filter((name) => resources[name]?.costUsd !== undefined);
    if (costUsd === undefined && limited.length === 0) return;
    const unknown = new Set<string>();
    const priced = new Set<string | undefined>();
    const places = new Set<string>();
    this.#check(tasks, ['tasks'], [], (task, runner) => {
      if (priced.has(task.model)) return;
      priced.add(task.model);
      const resource = costUsd === undefined ? this.resourceOf(task) : '';
      if (costUsd === undefined && !limited.includes(resource)) return;
      const name = this.#unknownPrice(task, runner, prices);
      if (name === undefined) return;
      unknown.add(name);
      places.add(costUsd === undefined ? `resources[${JSON.stringify(resource)}].` : '');
    });
    if (unknown.size === 0) return;
    const names = [...unknown].map((name) => `"${name}"`).join(', ');
    const [are, them] =
      unknown.size === 1
        ? ['price of', 'is unknown; add it']
        : ['prices of', 'are unknown; add them'];
    const place = [...places].map((each) => `budget.${each}costUsd`).join(', ');
    throw new OptionError(`${place}: the ${are} ${names} ${them} to prices`);
  }

  /** The resources of runners by their names. */
  get byName(): ReadonlyMap<string, string> {
    return new Map(
      Array.from(this.#named, ([name, runner]) => [name, resourceOf(runner, NO_MODEL)]),
    );
  }

  /** What a budget may call the resources of these tasks. */
  resourceNames(tasks: readonly Task[]): ResourceNames {
    const runners = [
      ...this.#named.values(),
      ...(this.#default === undefined ? [] : [this.#default]),
    ];
    const resources = new Set(runners.map((runner) => resourceOf(runner, NO_MODEL)));
    for (const task of allTasks(tasks)) {
      if (doesOwnWork(task) && task.waitFor === undefined) resources.add(this.resourceOf(task));
    }
    return { byRunner: this.byName, resources };
  }

  #choiceOf(model: string): Choice {
    if (this.#named.size === 0) return { runner: this.#default, model };
    const whole = this.#named.get(model);
    if (whole !== undefined) return { runner: whole, model: undefined };
    const slash = model.indexOf('/');
    // Without a model after it, the name is a slip.
    const runner =
      slash > 0 && slash < model.length - 1 ? this.#named.get(model.slice(0, slash)) : undefined;
    return { runner, model: model.slice(slash + 1) };
  }

  #check(
    tasks: readonly Task[],
    path: PlanProblem['path'],
    problems: PlanProblem[],
    found: (task: Task, runner: TaskRunner) => void,
  ): void {
    for (let position = 0; position < tasks.length; position++) {
      const task = tasks[position] as Task;
      if (needsRunner(task)) {
        const add = (code: PlanProblem['code'], field: readonly string[], message: string) =>
          problems.push({ code, path: [...path, position, ...field], message });
        const runner = this.of(task);
        if (runner !== undefined) {
          for (const option of this.#unsupported(task, runner)) {
            const message = `the runner "${runner.name}" does not honour this option`;
            add('unsupported_option', option, message);
          }
          found(task, runner);
        } else if (task.model === undefined) throw this.#missing(task);
        else add('unknown_model', ['model'], this.#unknown(task.model));
      }
      const inner = writtenTasksOf(task);
      if (inner.tasks.length === 0) continue;
      this.#check(inner.tasks, [...path, position, ...inner.path], problems, found);
    }
  }

  /** The paths of the options that a runner does not honour. */
  #unsupported(task: Task, { supportedOptions = [] }: TaskRunner): string[][] {
    const options = optionsOf(task);
    if (options === undefined) return [];
    return Object.entries(options).flatMap(([name, value]) => {
      // The name of a runner is no option of it.
      if (name === 'model' && this.#choiceOf(value).model === undefined) return [];
      if (supportedOptions.includes(name)) return [];
      if (name !== 'providerOptions') return [[name]];
      const providers = Object.keys(value as object);
      return providers
        .filter((provider) => !supportedOptions.includes(`${name}.${provider}`))
        .map((provider) => [name, provider]);
    });
  }

  /** A model of the runner whose price is unknown. */
  #unknownPrice(task: Task, { pricing }: TaskRunner, prices: PriceTable): string | undefined {
    const { model } = task.model === undefined ? task : this.#choiceOf(task.model);
    const { unknownModels = [], isKnown } = pricing ?? {};
    const unknown = model === undefined ? unknownModels : isKnown?.(model) ? [] : [model];
    return pricing && unknown.find((each) => priceOf(each, prices) === undefined);
  }

  #missing({ id }: Task): StratagemError {
    const names = [...this.#named.keys()];
    const remedy =
      names.length === 0
        ? 'createExecutor() needs a runner, such as openai(), anthropic() or simulated()'
        : `it needs a model (${names.join(', ')}), or createExecutor() a runner for such tasks`;
    return new StratagemError('missing_runner', `Task "${id}" has no run function, so ${remedy}`);
  }

  #unknown(model: string): string {
    const names = [...this.#named.keys()];
    if (names.length === 0) return 'the executor has no runner';
    const name = model.endsWith('/') ? model : (model.split('/')[0] as string);
    const hint = didYouMean(name, names) || ` The runners are ${names.join(', ')}.`;
    return `there is no runner "${name}".${hint} A model of a runner is written as ${names[0]}/model`;
  }
}

/** These tasks with those in them, as they are written. */
function* allTasks(tasks: readonly Task[]): Iterable<Task> {
  for (const task of tasks) {
    yield task;
    yield* allTasks(writtenTasksOf(task).tasks);
  }
}
