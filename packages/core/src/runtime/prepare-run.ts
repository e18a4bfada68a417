import type { Budget } from '../contract/budget.js';
import { capOf } from '../contract/cap.js';
import { NO_CODECS } from '../contract/codec.js';
import { OptionError } from '../contract/errors.js';
import type { Journal } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import type { TakenInputs } from '../contract/plan-inputs.js';
import type { PriceTable } from '../contract/price.js';
import { replanLimits } from '../contract/replan.js';
import { SecretTexts } from '../contract/secret-texts.js';
import { frozenCopy, snapshotOf } from '../contract/snapshot.js';
import type { Strategy } from '../contract/strategy.js';
import type { Task } from '../contract/task.js';
import type { RecordedAttachments } from '../journal/recorded-attachments.js';
import { Reuse } from '../journal/reuse.js';
import { writeAsData } from '../serialize/task.js';
import { DEFAULT_MAX_DEPTH, graphOfOwn } from '../validate/plan.js';
import { storableItems } from './added-tasks.js';
import { Attachments } from './attachments.js';
import { type ExecutorOptions, runnersOf } from './executor-options.js';
import { ABORT_GRACE_MS, limitsOf, MAX_OUTPUT_BYTES, type RunOptions } from './options.js';
import { budgetByResource, overrideResources } from './resource-budgets.js';
import type { Runners } from './runners.js';
import { SharedPlaces } from './shared-places.js';
import { Toolbox } from './tool-registry.js';

/** What a run may cost. */
interface Settings {
  readonly budget: Budget | undefined;
  readonly prices: PriceTable;
}

/** A budget that may name runners. */
interface NamedBudget extends Settings {
  /** Names in the budgets of resources that are for many plans. */
  readonly forAnyPlan: readonly string[];
}

/** What the runs of an executor have in common. It makes the settings of each. */
export class RunPreparation {
  readonly runners: Runners;
  readonly toolbox: Toolbox;
  /** The options of runs that the executor was created with. */
  readonly defaults: RunOptions;
  readonly #strategy: Strategy;
  readonly #places: SharedPlaces | undefined;

  constructor(options: ExecutorOptions) {
    const { strategy, runner, runners, tools = [], commands, files, ...more } = options;
    const { sharePlacesOf, ...defaults } = more;
    this.#strategy = strategy;
    this.runners = runnersOf(runner, runners);
    this.toolbox = new Toolbox(tools, commands, files);
    this.defaults = defaults;
    this.#places = sharePlacesOf === undefined ? placesOf(defaults) : sharedBy(sharePlacesOf);
  }

  /** Other executors may share the places of this one. */
  sharePlaces<E extends object>(executor: E): E {
    PLACES.set(executor, this.#places);
    return executor;
  }

  /**
   * The settings with a budget by resources.
   *
   * @throws {StratagemError} when the tasks or the budget need another runner.
   */
  requireRunner<S extends Settings>(plan: Plan, settings: S, forAnyPlan: readonly string[]): S {
    for (const require of this.requirements(plan, { ...settings, forAnyPlan })) require();
    return {
      ...settings,
      budget: this.budgetOf(plan.tasks, frozenCopy(settings.budget), forAnyPlan),
    };
  }

  /** What a run needs besides a valid plan. */
  requirements({ tasks }: Plan, settings: NamedBudget): (() => void)[] {
    const { budget, prices, forAnyPlan } = settings;
    return [
      () => this.runners.require(tasks),
      () => this.runners.requirePrices(tasks, this.budgetOf(tasks, budget, forAnyPlan), prices),
      () => this.toolbox.require(tasks, this.runners),
    ];
  }

  /** The budget by resources: it may have names of runners. */
  budgetOf(
    tasks: readonly Task[],
    budget: Budget | undefined,
    forAnyPlan: readonly string[],
  ): Budget | undefined {
    return budgetByResource(budget, () => this.runners.resourceNames(tasks), forAnyPlan);
  }

  /** The settings of one run, without its record. */
  settingsOf(
    given: Plan,
    takeInputs: (plan: Plan) => TakenInputs,
    options: RunOptions,
    signal: AbortSignal | undefined,
    recorded?: RecordedAttachments,
  ) {
    const { maxDepth = DEFAULT_MAX_DEPTH } = options;
    // A copy: the caller may change its plan later.
    const plan = snapshotOf(given, maxDepth);
    const graph = graphOfOwn(plan, maxDepth);
    const limits = limitsOf(plan, options);
    const { inputs, secrets } = takeInputs(plan);
    if (options.outputs === 'final' && options.replan !== undefined) {
      throw new OptionError("outputs: 'final' cannot be used with replan, which needs all outputs");
    }
    return {
      plan: Object.freeze({ ...plan, tasks: writeAsData(plan.tasks as Task[]) }) as Plan,
      graph,
      inputs,
      secrets,
      secretTexts: secrets && new SecretTexts(secrets),
      strategy: this.#strategy,
      runners: this.runners,
      carrier: options.carrier,
      maxParallel: capOf(this.#strategy, options.maxParallel),
      resources: frozenCopy(options.resources),
      failFast: options.failFast ?? false,
      deadlineMs: limits.deadlineMs ?? Number.POSITIVE_INFINITY,
      timeoutMs: options.timeoutMs ?? Number.POSITIVE_INFINITY,
      idleTimeoutMs: options.idleTimeoutMs,
      retry: frozenCopy(options.retry),
      budget: limits.budget,
      prices: frozenCopy(options.prices) ?? {},
      replan: options.replan && replanLimits(options.replan),
      planner: options.replan,
      toolbox: this.toolbox,
      attachments: new Attachments(options.attachments, recorded),
      places: this.#places,
      codecs: options.codecs ?? NO_CODECS,
      ...(options.journal !== undefined && recordingOf(options)),
      maxBytes: options.maxOutputBytes ?? MAX_OUTPUT_BYTES,
      maxDepth,
      timeline: options.timeline ?? 'keep',
      outputs: options.outputs ?? 'all',
      signal,
      onEvent: options.onEvent,
      wantsText: options.wantsText ?? true,
      instrumentation: options.instrumentation,
      abortGraceMs: options.abortGraceMs ?? ABORT_GRACE_MS,
      onAbandoned: options.onAbandoned,
    };
  }

  /** Limits of resources are overridden one by one. */
  withResources(base: Pick<RunOptions, 'resources' | 'budget'>, options: RunOptions): RunOptions {
    const { resources, budget } = options;
    const hasBudgets = (budget && (base.budget?.resources ?? budget.resources)) !== undefined;
    return {
      ...options,
      ...(resources !== undefined && { resources: { ...base.resources, ...resources } }),
      ...(hasBudgets && {
        budget: {
          ...budget,
          resources: overrideResources(
            base.budget?.resources,
            budget?.resources,
            this.runners.byName,
          ),
        },
      }),
    };
  }
}

/** What the kernel does for the sake of a journal. */
function recordingOf({ redact, codecs }: RunOptions) {
  return {
    // The list in an output may be redacted: then the items cannot be found there again.
    recordsItems: redact !== undefined,
    requireStorable: redact === undefined ? storableItems(codecs) : undefined,
  };
}

export function reuseOf(
  journal: Journal,
  { reuse = false, codecs }: RunOptions,
): Reuse | undefined {
  if (reuse === false) return undefined;
  return new Reuse(journal, reuse === true ? {} : reuse, codecs);
}

/** The resources whose budget comes from these limits, and not from those of a run or its plan. */
export function namesIn(
  limits: RunOptions,
  ...others: readonly Pick<RunOptions, 'budget'>[]
): string[] {
  const own = others.flatMap(({ budget }) => Object.keys(budget?.resources ?? {}));
  return Object.keys(limits.budget?.resources ?? {}).filter((name) => !own.includes(name));
}

/** The places of each executor. */
const PLACES = new WeakMap<object, SharedPlaces | undefined>();

/** @throws {OptionError} when it is no executor. */
function sharedBy(executor: object): SharedPlaces | undefined {
  if (PLACES.has(executor)) return PLACES.get(executor);
  throw new OptionError('createExecutor(): sharePlacesOf must be an executor of createExecutor()');
}

/** The places that the runs of an executor share; undefined without a cap. */
function placesOf({ maxParallel, resources }: RunOptions): SharedPlaces | undefined {
  if (maxParallel === undefined && resources === undefined) return undefined;
  return new SharedPlaces(maxParallel ?? Number.POSITIVE_INFINITY, resources);
}
