import type { RunContext, TaskRunner } from '@stratagem/core';
import { checkDuration, checkOptions, OptionError } from '@stratagem/core/runner';
import { MAX_TIMER_MS } from '../util/timer.js';
import { checkRunner } from '../util/wrapped.js';
import { compositeProperties, labelOf } from './composite.js';
import { HedgeBudget } from './hedge-budget.js';
import { Race } from './race.js';

export interface HedgeOptions {
  /**
   * How long to wait for the first output before the request is sent again, in milliseconds. About
   * the 95th percentile of the time to the first output is a good value.
   */
  readonly afterMs: number;
  /**
   * The runner that gets the second request.
   * @default the same runner
   */
  readonly to?: TaskRunner | undefined;
  /**
   * The maximum share of requests that are sent twice, above 0 and up to 1. Each request earns this
   * share of a second one, and at most ten are saved up. With 0.1, the first nine get none.
   * @default 0.1
   */
  readonly maxExtraShare?: number | undefined;
}

/**
 * Sends a request again when it has no output after a while, because a few requests are much slower
 * than the rest. The first of the two to respond wins; the other is aborted.
 *
 * A request responds with its first piece of text, its first tool call, or its complete output.
 * Before that, a failure of one waits for the other. After that, a failure of the winner fails the
 * attempt. A request that responds in time is never sent again, however long it takes.
 *
 * Both requests count as tries. After the first attempt, the second request is sent only when the
 * task's retries allow it.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const runner = hedge(openai(), { afterMs: 8_000 });
 *
 * @example
 * const runner = hedge(openai(), { afterMs: 8_000, to: anthropic(), maxExtraShare: 0.05 });
 */
export function hedge(runner: TaskRunner, options: HedgeOptions): TaskRunner {
  checkRunner('hedge()', 'its first argument', runner);
  checkOptions('hedge()', options, ['afterMs', 'to', 'maxExtraShare']);
  const { afterMs, to = runner, maxExtraShare = 0.1 } = options;
  checkDuration('hedge()', 'afterMs', afterMs);
  checkRunner('hedge()', 'to', to);
  if (!(typeof maxExtraShare === 'number' && maxExtraShare > 0 && maxExtraShare <= 1)) {
    const given = String(maxExtraShare);
    throw new OptionError(
      `hedge(): maxExtraShare must be a number above 0 and up to 1; it is ${given}`,
    );
  }
  const budget = new HedgeBudget(maxExtraShare);
  const { name, settings, readsInputs, supportsTools, supportedOptions, pricing, check } =
    to === runner ? runner : compositeProperties('hedge', [runner, to]);
  return {
    name,
    settings,
    ...(readsInputs !== undefined && { readsInputs }),
    supportsTools,
    ...(supportedOptions !== undefined && { supportedOptions }),
    ...(pricing !== undefined && { pricing }),
    ...(check !== undefined && { check }),
    // Every request goes to the first runner, so it competes for that resource.
    resource: runner.resource ?? runner.name,
    async run(request, context) {
      budget.earn();
      const race = new Race(request, context);
      const maxTries = maxTriesOf(context);
      const finish = race.start(runner, Math.max(1, maxTries - 1));
      const isLate = await timesOut(afterMs, [finish, race.decided]);
      if (isLate && maxTries > 1 && !context.signal.aborted && budget.spend()) {
        const time = afterMs.toLocaleString('en');
        const message = `no output from "${labelOf(runner)}" within ${time} ms; sending a second request to "${labelOf(to)}"`;
        // Not awaited: the attempt is late already.
        context.emit({ kind: 'notice', source: 'hedge', message });
        race.start(to, 1);
      }
      return race.outcome();
    },
  };
}

/** How many tries the attempt may use. */
function maxTriesOf({ attempt, attemptsLeft }: RunContext): number {
  return attempt === 1 ? Math.max(2, attemptsLeft) : attemptsLeft;
}

/** Whether the time passes before any of the promises resolves. */
async function timesOut(ms: number, promises: readonly Promise<unknown>[]): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(true), Math.min(MAX_TIMER_MS, ms));
  });
  try {
    return await Promise.race([timeout, ...promises.map((each) => each.then(() => false))]);
  } finally {
    clearTimeout(timer);
  }
}
