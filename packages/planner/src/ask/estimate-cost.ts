import { OptionError, type Plan, type Price, type Task } from '@stratagem/core';
import { checkLimit, checkOptions, costOf } from '@stratagem/core/runner';
import { flattenTasks } from '../util/flatten-tasks.js';

/** What the estimate of a plan's cost takes. */
export interface CostEstimateOptions {
  /** The price of the model that does the tasks. */
  readonly price: Price;
  /**
   * The tokens that a task writes, where the task has no estimate of its own.
   * @default 500
   */
  readonly outputTokensPerTask?: number | undefined;
}

/** What a plan will use, roughly. */
export interface CostEstimate {
  /** The tasks that a model does. */
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** In US dollars. */
  readonly costUsd: number;
}

const OWNER = 'estimateCost()';
/** English text has about four characters for each token. */
const CHARACTERS_PER_TOKEN = 4;
const OUTPUT_TOKENS = 500;
const MODEL = 'model';

/**
 * Estimates the cost of a plan before it runs: each task reads its description and the outputs of
 * its dependencies, and writes `outputTokensPerTask`. A task with an `estimate` uses that instead.
 * Retries, tools and tasks that are added later come on top.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const { plan } = await decompose(goal, { runner });
 * estimateCost(plan, { price: { inputPerMillion: 1.25, outputPerMillion: 10 } }).costUsd; // 0.02
 */
export function estimateCost(plan: Plan, options: CostEstimateOptions): CostEstimate {
  checkOptions(OWNER, options, ['price', 'outputTokensPerTask']);
  const { price, outputTokensPerTask = OUTPUT_TOKENS } = options;
  checkLimit(OWNER, 'outputTokensPerTask', outputTokensPerTask);
  checkPrice(price);
  const tasks = flattenTasks(plan.tasks).filter(asksModel);
  const sums = { requests: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 };
  for (const task of tasks) {
    const own = Math.ceil((task.description ?? '').length / CHARACTERS_PER_TOKEN);
    const sources = (task.dependencies?.length ?? 0) + (task.subtasks?.length ?? 0);
    const read = own + sources * outputTokensPerTask;
    const { tokens, costUsd } = task.estimate ?? {};
    // An estimate has the tokens read and written together.
    const written = tokens === undefined ? outputTokensPerTask : Math.max(0, tokens - read);
    const inputTokens = tokens === undefined ? read : Math.min(read, tokens);
    const usage = { inputTokens, outputTokens: written };
    sums.requests += 1;
    sums.inputTokens += inputTokens;
    sums.outputTokens += written;
    sums.costUsd += costUsd ?? costOf(usage, MODEL, { [MODEL]: price }) ?? 0;
  }
  return sums;
}

/** A group is done by its subtasks; a function and a human step cost no tokens. */
function asksModel({ run, waitFor, subtasks = [], type, description }: Task): boolean {
  if (run !== undefined || waitFor !== undefined) return false;
  return subtasks.length === 0 || (type === 'aggregate' && description !== undefined);
}

function checkPrice(price: Price): void {
  const { inputPerMillion, outputPerMillion } = price ?? {};
  const isValid = (value: unknown) => typeof value === 'number' && value >= 0 && value < Infinity;
  if (isValid(inputPerMillion) && isValid(outputPerMillion)) return;
  throw new OptionError(
    `${OWNER}: price must have inputPerMillion and outputPerMillion, in US dollars (≥ 0)`,
  );
}
