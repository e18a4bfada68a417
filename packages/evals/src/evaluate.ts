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
  /** The share of cases that passed, from 0 to 1. */
  readonly passRate: number;
  readonly usage: Usage;
  readonly costUsd: number | null;
}

/**
 * Runs a plan once for each case, and checks the results. A case passes when its run completes and all of its
 * expectations hold.
 *
 * @throws {PlanError} when the plan is invalid.
 * @throws {InputsError} when a case has wrong inputs, before anything runs.
 * @throws {OptionError} when there is no case, or two cases have the same name.
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
  requireCases(cases);
  const executor = createExecutor(options);
  const { journal: _, carrier: __, ...unrecorded } = options;
  const judges =
    judging === undefined && options.journal === undefined
      ? executor
      : createExecutor({ ...unrecorded, runner: judging ?? options.runner });
  for (const { name, inputs } of cases) {
    const [problem] = executor.check(plan, { inputs: inputs ?? {} });
    if (problem !== undefined) throw inCase(name, problem);
  }
  const evaluated: EvaluatedCase[] = [];
  let next = 0;
  const work = async () => {
    for (let index = next++; index < cases.length; index = next++) {
      if (options.signal?.aborted) return;
      const each = await evaluateCase(plan, cases[index] as EvalCase, executor, judges, options);
      evaluated[index] = each;
      onCase?.(each);
    }
  };
  await Promise.all(Array.from({ length: Math.min(caseConcurrency, cases.length) }, work));
  return evaluationOf(evaluated.filter((each) => each !== undefined));
}

function requireCases(cases: readonly EvalCase[]): void {
  if (!Array.isArray(cases) || cases.length === 0) {
    throw new OptionError('evaluatePlan() needs a list of at least one case');
  }
  const names = new Set<string>();
  for (const { name, expect } of cases as readonly EvalCase[]) {
    if (names.has(name)) throw new OptionError(`evaluatePlan(): two cases are named "${name}"`);
    names.add(name);
    const unknown = expect.find((each) => kindOf(each) === undefined);
    if (unknown !== undefined) {
      const shown = Object.keys(unknown).join(', ');
      throw new OptionError(`evaluatePlan(): case "${name}" expects nothing known: ${shown}`);
    }
  }
}

function inCase(name: string, error: StratagemError): StratagemError {
  error.message = `case "${name}": ${error.message}`;
  return error;
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
      checks.push(await checkOf(expectation, outputs, ask));
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

function evaluationOf(cases: readonly EvaluatedCase[]): Evaluation {
  const passed = cases.filter((each) => each.passed).length;
  return {
    cases,
    passed,
    failed: cases.length - passed,
    passRate: cases.length === 0 ? 0 : passed / cases.length,
    ...sumOf(cases),
  };
}
