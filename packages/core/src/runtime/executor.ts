import { checkOptions } from '../contract/check-options.js';
import { isStratagemError, OptionError, type StratagemError } from '../contract/errors.js';
import type { Journal } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import { asValues, type InputValues, takeInputs } from '../contract/plan-inputs.js';
import { checkRunId, newRunId } from '../contract/run-id.js';
import { snapshotOf, snapshotOfTasks } from '../contract/snapshot.js';
import { checkForkOptions, type ForkOptions } from '../journal/fork-options.js';
import type { ResumableRun } from '../journal/open-run.js';
import { requireStorableInputs } from '../journal/record-inputs.js';
import { checkResumeOptions, type ResumeOptions, randomSeed } from '../journal/resume-options.js';
import { checkReuse, Reuse, type ReuseOptions } from '../journal/reuse.js';
import { planToData } from '../serialize/plan.js';
import { asData } from '../serialize/task.js';
import { DEFAULT_MAX_DEPTH, graphOfOwn } from '../validate/plan.js';
import { haveAttachments } from './attachments.js';
import type { Continuation } from './continue-run.js';
import { checkExecutorOptions, type ExecutorOptions } from './executor-options.js';
import type { TaskForecast } from './forecaster.js';
import { handleOf, type RunHandle } from './handle.js';
import {
  checkRunOptions,
  type ExecuteArguments,
  type ExecuteOptions,
  limitsOf,
  RUN_OPTIONS,
  type RunOptions,
  withoutUndefined,
} from './options.js';
import { namesIn, RunPreparation, reuseOf } from './prepare-run.js';
import { pendingHandle } from './resumed-handle.js';
import { Run } from './run.js';

/** Runs plans in this process: any number at once, which share its caps. */
export interface Executor {
  /**
   * Starts a plan.
   *
   * @throws {PlanError} when the plan is invalid, with all its problems; also when a task asks for a
   * runner that is not there, or sets an option that its runner does not honour.
   * @throws {InputsError} when values of inputs are missing, unknown or wrong, with all problems.
   * @throws {StratagemError} `missing_runner` when a task needs a runner and there is none;
   * `unsupported_tools` when a task lists tools and the runner does not support them.
   * @throws {OptionError} when the budget is in US dollars and the price of the runner's model is unknown.
   */
  execute<Outputs = Record<string, unknown>, Inputs = unknown>(
    plan: Plan<Outputs, Inputs>,
    ...options: ExecuteArguments<Inputs>
  ): RunHandle<Outputs>;
  /**
   * All errors with which `execute` would refuse a plan, without starting it: an invalid plan, values of
   * inputs, missing runners, tools and prices. Whether a runner has its key is for `runner.check()`.
   *
   * @example
   * for (const { message } of executor.check(plan, { inputs })) console.error(message);
   */
  check<Outputs = Record<string, unknown>, Inputs = unknown>(
    plan: Plan<Outputs, Inputs>,
    ...options: ExecuteArguments<Inputs>
  ): StratagemError[];
  /**
   * Resumes a recorded run whose process has ended, was stopped or lost its journal. Recorded results
   * are kept, and attempts that were in flight are started again as the same attempts. A run that had
   * ended returns its result at once. Its recorded limits apply unless options override them.
   *
   * `onEvent` and, with `timeline: 'stream'`, iterators receive the events from `run_resumed` on; a
   * kept timeline has all events.
   *
   * The result rejects with a `JournalError` (`run_not_found`, `run_locked`, …) when the run cannot be
   * opened, with `plan_required` when its tasks have functions or schemas and `plan` is missing, and
   * with a `PlanChangedError` when the plan differs from the recorded one.
   *
   * @example
   * const { status } = await executor.resume('nightly-7', { plan });
   */
  resume<Outputs = Record<string, unknown>>(
    runId: string,
    options?: RunOptions & ResumeOptions & { readonly plan?: Plan<Outputs> },
  ): RunHandle<Outputs>;
  /**
   * Starts a new run that begins with the results of a recorded one, which stays as it is. Completed tasks
   * are kept, unless `tasks` names them or they depend on one that runs again. With a changed `plan` or other
   * `inputs`, the tasks that these affect run again as well; a function may use every input, so its task is
   * one of them. Tasks that have failed run again, except those that a round of re-planning has replaced. The
   * tasks of a round stay while everything that the planner knew does; else it is asked again. Other values
   * of inputs need the `plan`, whose schema checks them.
   *
   * The result rejects with `run_not_found` when there is no such run, with `run_exists` when the new id is
   * taken, with an `OptionError` for a task or an event that the run does not have, and with the errors of
   * `resume`.
   *
   * @example
   * await executor.fork('nightly-7', { tasks: ['report'] });
   * await executor.fork('nightly-7', { plan, at: 120, inputs: { company: 'Apple' } });
   */
  fork<Outputs = Record<string, unknown>>(
    runId: string,
    options?: RunOptions & ForkOptions & { readonly plan?: Plan<Outputs> },
  ): RunHandle<Outputs>;
  /**
   * Predicts for each task whether a run of the plan would run it or reuse an output of an earlier run,
   * and why. Runs nothing. Includes subtasks, and the elements of fan-outs whose items are known.
   *
   * Rejects with a `PlanError` when the plan is invalid, and with a `JournalError` when the journal
   * cannot be read.
   *
   * @example
   * for (const { taskId, message } of await executor.explain(plan)) console.log(taskId, message);
   */
  explain<Outputs>(plan: Plan<Outputs>, options?: ExplainOptions): Promise<TaskForecast[]>;
}

export interface ExplainOptions {
  /** @default the journal of the executor */
  readonly journal?: Journal | undefined;
  /** As in `RunOptions`. */
  readonly maxDepth?: number | undefined;
  /** As in `RunOptions`. */
  readonly reuse?: ReuseOptions | undefined;
  /**
   * The id of the run to compare the plan with.
   * @default the newest run with the same goal
   */
  readonly since?: string | undefined;
  /** Values for the inputs of the plan, as in `ExecuteOptions`. */
  readonly inputs?: InputValues | undefined;
}

const RESUME_OPTIONS = ['plan', 'acceptChanges', 'retryFailed', 'addedTasks', 'inputs'];
const FORK_OPTIONS = ['runId', 'plan', 'at', 'tasks', 'addedTasks', 'inputs'];

/**
 * An executor that runs plans in this process.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const executor = createExecutor({ strategy: parallel({ maxParallel: 5 }), runner: openai() });
 * const run = executor.execute(plan);
 * for await (const event of run) console.log(event.type);
 * const result = await run;
 */
export function createExecutor(options: ExecutorOptions): Executor {
  checkExecutorOptions(options);
  const preparation = new RunPreparation(options);
  const { defaults, runners, toolbox } = preparation;

  /** A run that begins with recorded events. */
  function continued<Outputs, Options extends RunOptions & ResumeOptions>(
    method: string,
    runId: string,
    overrides: Options,
    given: RunOptions,
    find: (options: Options, ...found: Parameters<Continuation['find']>) => Promise<ResumableRun>,
  ): RunHandle<Outputs> {
    const signal = eitherSignal(defaults.signal, overrides.signal);
    const { journal } = { ...defaults, ...withoutUndefined(given) };
    if (journal === undefined) {
      throw new OptionError(`${method}() requires the journal that has recorded the run`);
    }
    return pendingHandle<Outputs>(runId, async (onOpen) => {
      const own = {
        ...snapshotOfOptions(overrides),
        codecs: overrides.codecs ?? defaults.codecs,
      };
      // Loaded when it is needed: most processes continue no recorded run.
      const { continueRun } = await import('./continue-run.js');
      const findRun: Continuation['find'] = (...found) => find(own, ...found);
      const continuation = { runId, given, journal, signal, find: findRun };
      await continueRun<Outputs>(preparation, continuation, onOpen);
    });
  }

  return preparation.sharePlaces<Executor>({
    check<Outputs, Inputs>(
      plan: Plan<Outputs, Inputs>,
      ...[overrides = {}]: [options?: ExecuteOptions<unknown>]
    ): StratagemError[] {
      checkOptions('check()', overrides, ['runId', 'inputs', ...RUN_OPTIONS]);
      checkRunOptions('check()', overrides);
      const { runId: _, inputs: values, ...given } = overrides;
      const options = preparation.withResources(defaults, {
        ...defaults,
        ...withoutUndefined(given),
      });
      const { maxDepth = DEFAULT_MAX_DEPTH, prices = {} } = options;
      const copy = snapshotOf(plan as Plan, maxDepth);
      const refusals: StratagemError[] = [];
      const isFine = (step: () => void) => {
        try {
          step();
          return true;
        } catch (error) {
          if (!isStratagemError(error)) throw error;
          // A missing runner is found for the prices as well.
          if (!refusals.some(({ message }) => message === error.message)) refusals.push(error);
          return false;
        }
      };
      // Nothing else can be said about a plan that is none.
      if (!isFine(() => graphOfOwn(copy, maxDepth))) return refusals;
      isFine(() => takeInputs(copy.inputs, asValues('check()', values)));
      const { budget } = limitsOf(copy, options);
      const forAnyPlan = namesIn(defaults, given, copy);
      for (const require of preparation.requirements(copy, { budget, prices, forAnyPlan }))
        isFine(require);
      return refusals;
    },

    execute<Outputs, Inputs>(
      plan: Plan<Outputs, Inputs>,
      ...[overrides = {}]: [options?: ExecuteOptions<unknown>]
    ): RunHandle<Outputs> {
      checkOptions('execute()', overrides, ['runId', 'inputs', ...RUN_OPTIONS]);
      checkRunOptions('execute()', overrides);
      const { runId = newRunId(), inputs: values, ...ownOptions } = overrides;
      checkRunId('execute()', runId);
      const options = preparation.withResources(defaults, {
        ...defaults,
        ...withoutUndefined(ownOptions),
      });
      const signal = eitherSignal(defaults.signal, overrides.signal);
      const valuesFor = ({ inputs }: Plan) => takeInputs(inputs, asValues('execute()', values));
      const given = preparation.settingsOf(plan as Plan, valuesFor, options, signal);
      const forAnyPlan = namesIn(defaults, ownOptions, given.plan);
      const settings = preparation.requireRunner(given.plan, given, forAnyPlan);
      const { journal, redact, seed = randomSeed() } = options;
      const begin = (run: () => Run<Outputs>) =>
        haveAttachments(settings.plan.tasks)
          ? pendingHandle<Outputs>(
              runId,
              async (onOpen) => {
                (await settings.attachments.load()).require(settings.plan.tasks, runners);
                onOpen(handleOf(run()));
              },
              journal !== undefined,
            )
          : handleOf(run());
      if (journal === undefined) {
        if (options.reuse) {
          throw new OptionError('execute(): reuse needs a journal, which has the earlier outputs');
        }
        return begin(() => new Run<Outputs>({ ...settings, runId, seed, record: undefined }));
      }
      const { goal } = plan;
      requireStorableInputs(settings.inputs, options.codecs);
      const record = {
        planData: planToData(settings.plan),
        redact,
        reuse: reuseOf(journal, options),
        open: () => journal.create({ id: runId, goal, createdAt: Date.now() }),
      };
      const { budget } = settings;
      const limits = withoutUndefined({ ...limitsOf(settings.plan, options), budget });
      return begin(() => new Run<Outputs>({ ...settings, limits, runId, seed, record }));
    },

    resume<Outputs>(runId: string, overrides: RunOptions & ResumeOptions = {}): RunHandle<Outputs> {
      checkOptions('resume()', overrides, [...RESUME_OPTIONS, ...RUN_OPTIONS]);
      checkRunOptions('resume()', overrides);
      checkResumeOptions(overrides);
      checkRunId('resume()', runId);
      const {
        plan: _,
        acceptChanges: __,
        retryFailed: ___,
        addedTasks: ____,
        inputs: _____,
        ...given
      } = overrides;
      return continued('resume', runId, overrides, given, async (own, journal, limitsFor) => {
        const { openRun } = await import('../journal/open-run.js');
        return openRun(journal, runId, own, limitsFor);
      });
    },

    fork<Outputs>(sourceId: string, overrides: RunOptions & ForkOptions = {}): RunHandle<Outputs> {
      checkOptions('fork()', overrides, [...FORK_OPTIONS, ...RUN_OPTIONS]);
      checkRunOptions('fork()', overrides);
      checkForkOptions(overrides);
      checkRunId('fork()', sourceId);
      const {
        runId = newRunId(),
        plan: _,
        at: __,
        tasks: ___,
        addedTasks: ____,
        ...rest
      } = overrides;
      const { inputs: _____, ...given } = rest;
      checkRunId('fork()', runId);
      return continued('fork', runId, overrides, given, async (own, journal, limitsFor) => {
        const { forkRun } = await import('../journal/fork-run.js');
        return forkRun(journal, sourceId, runId, own, limitsFor);
      });
    },

    async explain<Outputs>(plan: Plan<Outputs>, options: ExplainOptions = {}) {
      checkOptions('explain()', options, ['journal', 'maxDepth', 'reuse', 'since', 'inputs']);
      const { journal = defaults.journal, maxDepth = DEFAULT_MAX_DEPTH, since } = options;
      if (journal === undefined) {
        throw new OptionError('explain() requires the journal of the earlier runs');
      }
      const reuse = options.reuse ?? defaults.reuse ?? {};
      checkReuse('explain()', reuse);
      const { explain } = await import('./explain.js');
      const own = snapshotOf(plan, maxDepth);
      const graph = graphOfOwn(own, maxDepth);
      const values = asValues('explain()', options.inputs);
      return explain({
        ...takeInputs(own.inputs, values),
        plan: { ...own, tasks: asData(own.tasks) } as Plan,
        graph,
        runners,
        toolbox,
        attachments: defaults.attachments,
        journal,
        reuse: new Reuse(journal, typeof reuse === 'boolean' ? {} : reuse, defaults.codecs),
        codecs: defaults.codecs,
        since,
        now: Date.now(),
      });
    },
  });
}

/** A copy of what the caller may change before the run is open. */
function snapshotOfOptions<Options extends RunOptions & ResumeOptions>(options: Options): Options {
  const { plan, addedTasks, maxDepth = DEFAULT_MAX_DEPTH } = options;
  return {
    ...options,
    ...(plan !== undefined && { plan: snapshotOf(plan, maxDepth) }),
    ...(Array.isArray(addedTasks) && { addedTasks: snapshotOfTasks(addedTasks, maxDepth) }),
  };
}

/** A signal that aborts as soon as one of the two does. */
function eitherSignal(
  first: AbortSignal | undefined,
  second: AbortSignal | undefined,
): AbortSignal | undefined {
  return first && second ? AbortSignal.any([first, second]) : (first ?? second);
}
