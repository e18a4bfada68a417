import {
  createExecutor,
  type Executor,
  type ExecutorOptions,
  OptionError,
  type Plan,
  type StratagemError,
  type TaskRunner,
  type Usage,
} from '@stratagem/core';
import { isMet, parseReference, readPath } from '@stratagem/core/kernel';
import { addUsage, validateOutput } from '@stratagem/core/runner';
import { checkCases } from './check-cases.js';
import { type EvalCase, type Expectation, type Kind, kindOf } from './expectation.js';
import { judge } from './judge.js';

const DEFAULT_MIN_SCORE = 0.7;
const DEFAULT_CONCURRENCY = 8;

/** How the cases run: the options of an executor, and these. */
export interface EvaluateOptions extends ExecutorOptions {
  /**
   * The runner that answers `judge` expectations.
   * @default the runner of the plan
   */
  readonly judge?: TaskRunner | string | undefined;
  /**
   * The maximum number of cases that run at once. Their runs share `maxParallel`, which bounds all of their attempts.
   * @default 8
   */
  readonly caseConcurrency?: number | undefined;
  /** Called when a case has ended, in any order. */
  readonly onCase?: ((evaluated: EvaluatedCase) => void) | undefined;
}

/** One expectation, and whether it holds. */
export interface CheckResult {
  readonly kind: Kind;
  readonly output?: string | undefined;
  readonly passed: boolean;
  /** Why it does not hold, or what the judge says. */
  readonly message?: string | undefined;
  /** Of a judge, from 0 to 1. */
  readonly score?: number | undefined;
}

export interface EvaluatedCase {
  readonly name: string;
  readonly passed: boolean;
  readonly runId: string;
  readonly checks: readonly CheckResult[];
  /** The results of the plan by name. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Why the run did not complete. */
  readonly error?: { readonly code: string; readonly message: string } | undefined;
  readonly durationMs: number;
  /** Of the run and its judges. */
  readonly usage: Usage;
  /** In US dollars; null when the price of some tokens is unknown. */
  readonly costUsd: number | null;
}

export interface Evaluation {
  /** In the order in which they were given. */
  readonly cases: readonly EvaluatedCase[];
  readonly passed: number;
  readonly failed: number;
  /** The share of these cases that passed, from 0 to 1. */
  readonly passRate: number;
  /** The names of cases that did not end, because `signal` was aborted. */
  readonly notRun: readonly string[];
  readonly usage: Usage;
  readonly costUsd: number | null;
}

/**
 * Runs a plan once for each case, and checks the results. A case passes when its run completes and all of its
 * expectations hold.
 *
 * @throws {PlanError} when the plan is invalid.
 * @throws {CasesError} with the problems of all cases, such as wrong inputs, before anything runs.
 * @throws {OptionError} when there is no case.
 *
 * @example
 * const evaluation = await evaluatePlan(plan, cases, { strategy: parallel(), runner: openai() });
 * if (evaluation.passRate < 0.9) process.exitCode = 1;
 */
export async function evaluatePlan(
  plan: Plan,
  cases: readonly EvalCase[],
  given: EvaluateOptions,
): Promise<Evaluation> {
  if (typeof given !== 'object' || given === null) {
    throw new OptionError('evaluatePlan() takes the options of an executor');
  }
  const { judge: judging, caseConcurrency = DEFAULT_CONCURRENCY, onCase, ...options } = given;
  if (!Number.isSafeInteger(caseConcurrency) || caseConcurrency < 1) {
    throw new OptionError('evaluatePlan(): caseConcurrency must be an integer ≥ 1');
  }
  const executor = createExecutor(options);
  const judges = judgesOf(executor, options, judging);
  await checkCases(plan, cases, executor);
  const evaluated: EvaluatedCase[] = [];
  let next = 0;
  const work = async () => {
    for (let index = next++; index < cases.length; index = next++) {
      if (options.signal?.aborted) return;
      const given = cases[index] as EvalCase;
      const each = await evaluateSafely(plan, given, executor, judges, options);
      if (each === undefined) return;
      evaluated[index] = each;
      onCase?.(each);
    }
  };
  await Promise.all(Array.from({ length: Math.min(caseConcurrency, cases.length) }, work));
  const notRun = cases.filter((_, index) => evaluated[index] === undefined);
  return evaluationOf(
    evaluated.filter((each) => each !== undefined),
    notRun.map(({ name }) => name),
  );
}

/** A case that cannot even be recorded fails, and the others run. Undefined for one that was stopped. */
async function evaluateSafely(
  plan: Plan,
  given: EvalCase,
  executor: Executor,
  judges: Executor,
  options: ExecutorOptions,
): Promise<EvaluatedCase | undefined> {
  const startedAt = Date.now();
  try {
    const evaluated = await evaluateCase(plan, given, executor, judges, options);
    return options.signal?.aborted && !evaluated.passed ? undefined : evaluated;
  } catch (thrown) {
    if (options.signal?.aborted) return undefined;
    const { code = 'internal', message } = thrown as StratagemError;
    return {
      ...{ name: given.name, passed: false, runId: '', checks: [], outputs: {} },
      ...{ error: { code, message }, durationMs: Date.now() - startedAt },
      ...sumOf([]),
    };
  }
}

/** Judges are no part of the recorded runs. Their attempts share the places of these. */
function judgesOf(
  executor: Executor,
  options: ExecutorOptions,
  judging: EvaluateOptions['judge'],
): Executor {
  const { journal, carrier, maxParallel: _, resources: __, reuse: ___, ...unrecorded } = options;
  if ((judging ?? journal ?? carrier) === undefined) return executor;
  const runner = judging ?? options.runner;
  return createExecutor({ ...unrecorded, runner, sharePlacesOf: executor });
}

async function evaluateCase(
  plan: Plan,
  { name, inputs, expect }: EvalCase,
  executor: Executor,
  judges: Executor,
  { signal }: ExecutorOptions,
): Promise<EvaluatedCase> {
  const result = await executor.execute(plan, { inputs: inputs ?? {} });
  const spent: Spent[] = [result.metrics];
  const outputs = result.planOutputs;
  const isComplete = result.status === 'completed';
  const checks: CheckResult[] = [];
  if (isComplete) {
    for (const expectation of expect) {
      const ask = async (criterion: string, value: unknown) => {
        const { verdict, result: judged } = await judge(judges, criterion, value, signal);
        spent.push(judged.metrics);
        return verdict ?? judged.error?.message ?? 'the judge gave no verdict';
      };
      checks.push(await unlessAborted(signal, checkOf(expectation, outputs, ask)));
    }
  }
  const { error } = result;
  return {
    name,
    passed: isComplete && checks.every(({ passed }) => passed),
    runId: result.runId ?? '',
    checks,
    outputs,
    ...(error !== undefined && { error: { code: error.code, message: error.message } }),
    durationMs: (result.endedAt ?? 0) - (result.startedAt ?? 0),
    ...sumOf(spent),
  };
}

/** A function of the cases may never end: nobody waits for it once the signal is aborted. */
async function unlessAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (signal === undefined) return work;
  signal.throwIfAborted();
  let stop = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Returns the verdict, or why there is none. */
type AskJudge = (
  criterion: string,
  value: unknown,
) => Promise<{ readonly score: number; readonly reason: string } | string>;

type Outputs = Readonly<Record<string, unknown>>;

async function checkOf(
  expectation: Expectation,
  outputs: Outputs,
  ask: AskJudge,
): Promise<CheckResult> {
  const kind = kindOf(expectation);
  const { output = onlyOutput(outputs) } = expectation;
  const about = { kind, ...(output !== undefined && { output }) };
  if (output === undefined) {
    const names = Object.keys(outputs).join(', ') || 'none';
    const message = `the plan has several results; say which one is meant with output: ${names}`;
    return { ...about, passed: false, message };
  }
  try {
    return { ...about, ...(await held(expectation, output, outputs, ask)) };
  } catch (error) {
    return { ...about, passed: false, message: (error as Error).message };
  }
}

function onlyOutput(outputs: Outputs): string | undefined {
  const names = Object.keys(outputs);
  return names.length === 1 ? names[0] : undefined;
}

type Held = Pick<CheckResult, 'passed' | 'message' | 'score'>;

async function held(
  expectation: Expectation,
  path: string,
  outputs: Outputs,
  ask: AskJudge,
): Promise<Held> {
  const value = valueAt(path, outputs);
  const compare = (operator: '==' | 'contains' | 'matches', other: unknown) =>
    isMet('when', { path, operator, value: other }, outputs);
  if ('equals' in expectation) {
    return outcome(compare('==', expectation.equals), () =>
      differing(value, 'be', expectation.equals),
    );
  }
  if ('contains' in expectation) {
    return outcome(compare('contains', expectation.contains), () =>
      differing(value, 'contain', expectation.contains),
    );
  }
  if ('matches' in expectation) {
    return outcome(compare('matches', expectation.matches), () =>
      differing(value, 'match', expectation.matches),
    );
  }
  if ('schema' in expectation) {
    await validateOutput(expectation.schema, value);
    return { passed: true };
  }
  if ('check' in expectation) {
    const answer = await expectation.check(value, outputs);
    if (typeof answer === 'string') return { passed: false, message: answer };
    return outcome(answer, () => 'the function returned false');
  }
  const verdict = await ask(expectation.judge, value);
  if (typeof verdict === 'string') return { passed: false, message: verdict };
  const { score, reason } = verdict;
  const { minScore = DEFAULT_MIN_SCORE } = expectation;
  return { passed: score >= minScore, score, message: reason };
}

function outcome(passed: boolean, message: () => string): Held {
  return passed ? { passed } : { passed, message: message() };
}

/** @throws {Error} when there is no value at the path. */
function valueAt(path: string, outputs: Outputs): unknown {
  const found = parseReference(path, (name) => Object.hasOwn(outputs, name));
  if (found === undefined) {
    const names = Object.keys(outputs).join(', ') || 'none';
    throw new Error(`the plan has no result "${path}"; its results are ${names}`);
  }
  const value = readPath(outputs[found.id], found.path);
  if (value === undefined) throw new Error(`there is no value at "${path}"`);
  return value;
}

function differing(value: unknown, verb: string, expected: unknown): string {
  return `it should ${verb} ${shown(expected)}; it is ${shown(value)}`;
}

const MAX_SHOWN = 200;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

const NOTHING: Usage = { inputTokens: 0, outputTokens: 0 };

type Spent = Pick<EvaluatedCase, 'usage' | 'costUsd'>;

/** What runs have used together. */
function sumOf(spent: readonly Spent[]): Spent {
  let usage: Usage = NOTHING;
  let costUsd: number | null = 0;
  for (const each of spent) {
    usage = addUsage(usage, each.usage) as Usage;
    costUsd = costUsd === null || each.costUsd === null ? null : costUsd + each.costUsd;
  }
  return { usage, costUsd };
}

function evaluationOf(cases: readonly EvaluatedCase[], notRun: readonly string[]): Evaluation {
  const passed = cases.filter((each) => each.passed).length;
  return {
    cases,
    passed,
    failed: cases.length - passed,
    passRate: cases.length === 0 ? 0 : passed / cases.length,
    notRun,
    ...sumOf(cases),
  };
}
