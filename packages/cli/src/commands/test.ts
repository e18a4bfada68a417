import type { ExecutorOptions, RunOptions, TaskRunner } from '@stratagem/core';
import {
  CasesError,
  type EvaluatedCase,
  type EvaluatedVariant,
  type Evaluation,
  evaluatePlan,
  junitReport,
} from '@stratagem/evals';
import { type LoadedCases, loadCases } from '../load/load-cases.js';
import type { LoadedPlan } from '../load/load-plan.js';
import type { OutputFlags } from '../options/page-flags.js';
import type { ProgressFlags } from '../options/progress-flags.js';
import { resolveRunners } from '../options/resolve-runners.js';
import type { ExecutorFlags, LimitFlags, ModuleFlags } from '../options/run-flags.js';
import { toUsageError } from '../options/to-usage-error.js';
import { UsageError } from '../options/usage-error.js';
import { EXIT } from '../output/exit-code.js';
import { jsonText } from '../output/json-text.js';
import {
  checkFile,
  checkOutput,
  differentFiles,
  fileOf,
  printResult,
  writeAtomically,
} from '../output/result-file.js';
import { write } from '../output/streams.js';
import { caseText, comparisonText, evaluationText } from '../output/test-report.js';
import { checkManyFlags, loadPlanForMany, type PlanForMany } from '../run/plan-for-many.js';
import { Preflight } from '../run/preflight.js';
import { toRunOptions, withRetries } from '../run/run-options.js';
import { signalExitCode, stopOnSignals } from '../run/signals.js';
import { announceSimulation } from '../run/simulation-notice.js';
import { withExecutor } from '../run/with-executor.js';
import type { Settings } from '../settings/settings.js';

export interface TestFlags
  extends ProgressFlags,
    ExecutorFlags,
    LimitFlags,
    OutputFlags,
    ModuleFlags {
  readonly cases: string;
  /** The share of cases that must pass, from 0 to 1. */
  readonly minPass: number;
  readonly filter?: string;
  readonly junit?: string;
  /** The model, or the profile of a model, that judges. */
  readonly judge?: string;
  readonly compareModel?: string;
  readonly comparePlan?: string;
  readonly casesAtOnce?: number;
  readonly json?: boolean;
}

/** A plan and a model whose results are compared with those of another one. */
interface Variant {
  readonly name: string;
  readonly file: string;
  readonly given: TestFlags;
}

/** `stratagem test PLAN --cases FILE`: returns 0 when enough cases pass, and 1 when not. */
export async function testCommand(
  file: string,
  given: TestFlags,
  settings: Settings,
): Promise<number> {
  const preflight = new Preflight();
  await checkManyFlags(given, preflight);
  const cases = await preflight.try(() => loadCases(given.cases, given.filter));
  if (given.judge !== undefined && given.filter === undefined && cases && !hasJudge(cases)) {
    preflight.report('--judge has no effect: no case has an expectation for a judge; remove it');
  }
  const prepared: PreparedVariant[] = [];
  for (const variant of variantsOf(file, given)) {
    const { file, given } = variant;
    const many = await loadPlanForMany('test', file, given, settings, preflight);
    if (many !== undefined) prepared.push(await prepare(variant, many, preflight));
  }
  if (cases === undefined || prepared.length === 0) preflight.finish();
  return evaluateAll(prepared, [], preflight, cases as LoadedCases, given);
}

function hasJudge({ cases }: LoadedCases): boolean {
  return cases.some(({ expect }) => expect.some((each) => 'judge' in each));
}

function variantsOf(file: string, given: TestFlags): Variant[] {
  const { compareModel: model, comparePlan } = given;
  if (model === undefined && comparePlan === undefined) return [{ name: file, file, given }];
  const other = comparePlan ?? file;
  const nameOf = (plan: string, asked: string | undefined) =>
    model === undefined
      ? plan
      : comparePlan === undefined
        ? (asked ?? 'default model')
        : `${plan}, ${asked ?? 'default model'}`;
  return [
    { name: nameOf(file, given.model), file, given },
    {
      name: nameOf(other, model ?? given.model),
      file: other,
      given: {
        ...given,
        ...(model !== undefined && { model, modelOption: '--compare-model' }),
      },
    },
  ];
}

interface PreparedVariant extends Variant {
  readonly loaded: LoadedPlan;
  readonly flags: TestFlags;
}

async function prepare(
  variant: Variant,
  { loaded, flags, read: files }: PlanForMany<TestFlags>,
  preflight: Preflight,
): Promise<PreparedVariant> {
  const read = [...files, flags.cases];
  await preflight.try(() => checkOutput(flags, read));
  const { junit } = flags;
  if (junit !== undefined) {
    await preflight.try(() => checkFile('junit', junit, read));
    await preflight.try(() => differentFiles({ output: fileOf(flags), junit }));
  }
  return { ...variant, loaded, flags };
}

/** A variant that can be evaluated: all of them are checked before the first one costs anything. */
interface ReadyVariant extends PreparedVariant {
  readonly options: ExecutorOptions;
  readonly judge: string | TaskRunner | undefined;
}

async function evaluateAll(
  [next, ...others]: readonly PreparedVariant[],
  ready: readonly ReadyVariant[],
  preflight: Preflight,
  cases: LoadedCases,
  given: TestFlags,
): Promise<number> {
  if (next === undefined) {
    preflight.finish();
    return evaluateReady(ready, cases, given);
  }
  const { flags, loaded } = next;
  const { code } = await withExecutor(
    flags,
    loaded,
    undefined,
    async (_, __, executorOptions) => {
      const limits = await preflight.try(() => toRunOptions(flags));
      const options = { ...executorOptions, ...(limits as Partial<RunOptions>) };
      const judge = await preflight.try(() => judgeOf(flags, loaded, options));
      const all = [...ready, { ...next, options, judge }];
      return { code: await evaluateAll(others, all, preflight, cases, given) };
    },
    preflight,
  );
  return code;
}

async function evaluateReady(
  ready: readonly ReadyVariant[],
  cases: LoadedCases,
  given: TestFlags,
): Promise<number> {
  for (const variant of ready.slice(1)) await checkVariant(variant, cases);
  const stop = new AbortController();
  const signals = stopOnSignals((reason) => stop.abort(reason));
  const evaluated: EvaluatedVariant[] = [];
  try {
    for (const variant of ready) {
      const evaluation = await evaluateVariant(variant, cases, stop.signal, ready.length > 1);
      evaluated.push({ name: variant.name, evaluation });
    }
  } finally {
    signals.stop();
  }
  // What ended before the signal has been paid for.
  const code = await report(evaluated, given);
  return signals.received === undefined ? code : signalExitCode(signals.received);
}

/** Cases that do not fit another plan are reported before the first one costs anything: nothing runs here. */
async function checkVariant(
  { name, loaded, options }: ReadyVariant,
  { cases, located }: LoadedCases,
): Promise<void> {
  try {
    await evaluatePlan(loaded.plan, cases, { ...options, signal: AbortSignal.abort() });
  } catch (error) {
    if (!(error instanceof CasesError)) throw toUsageError(error);
    throw new UsageError(`The cases do not fit ${name}:\n${located(error).message}`, {
      cause: error,
    });
  }
}

async function evaluateVariant(
  { name, loaded, flags, options, judge }: ReadyVariant,
  { cases, located }: LoadedCases,
  signal: AbortSignal,
  isCompared: boolean,
): Promise<Evaluation> {
  const isText = !flags.quiet && flags.logFormat !== 'json';
  // A variant that a signal keeps from running counts all of its cases as not run.
  if (!signal.aborted) await announceSimulation(flags, loaded);
  if (isText && isCompared && !signal.aborted) await write(process.stderr, `${name}\n`);
  const onCase = (evaluated: EvaluatedCase) => {
    if (flags.logFormat === 'json') process.stderr.write(`${JSON.stringify(evaluated)}\n`);
    else if (isText) process.stderr.write(caseText(evaluated, process.stderr));
  };
  try {
    return await evaluatePlan(withRetries(loaded.plan, flags.retries), cases, {
      ...options,
      ...(judge !== undefined && { judge }),
      ...(flags.casesAtOnce !== undefined && { caseConcurrency: flags.casesAtOnce }),
      signal,
      onCase,
    });
  } catch (error) {
    throw error instanceof CasesError ? located(error) : toUsageError(error);
  }
}

/** A profile of the plan file, or another model of the runner. */
async function judgeOf(
  { judge, ...flags }: TestFlags,
  { models }: LoadedPlan,
  { runners = {} }: ExecutorOptions,
) {
  if (judge === undefined || Object.hasOwn(runners, judge)) return judge;
  return (await resolveRunners({ ...flags, model: judge, modelOption: '--judge' }, models)).runner;
}

async function report(evaluated: readonly EvaluatedVariant[], given: TestFlags): Promise<number> {
  const [first] = evaluated as [EvaluatedVariant];
  const { minPass, junit } = given;
  const hasAll = evaluated.every(({ evaluation }) => evaluation.notRun.length === 0);
  const isPassed = hasAll && first.evaluation.passRate >= minPass;
  const variants = evaluated.map(({ name, evaluation }) => ({ name, ...evaluation }));
  const text = given.json
    ? `${jsonText({ isPassed, minPass, variants })}\n`
    : evaluated.length > 1
      ? comparisonText(evaluated, process.stdout)
      : evaluationText(first.evaluation, minPass, process.stdout);
  await printResult(text, given);
  if (junit !== undefined) await writeAtomically(junit, junitReport(evaluated));
  return isPassed ? EXIT.completed : EXIT.failed;
}
