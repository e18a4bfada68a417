import {
  checkDuration,
  checkOptions,
  OptionError,
  type RunContext,
  type TaskRunner,
} from '@stratagem/core';
import { checkRunner, descriptionOf, labelOf } from './composite.js';
import { ExtraShare } from './hedge-budget.js';
import { Race } from './race.js';

export interface HedgeOptions {
  /**
   * How long nothing must have come of a request before it is sent once more, in milliseconds:
   * about what nineteen of twenty take until they begin to answer.
   */
  readonly afterMs: number;
  /**
   * Where the second request goes.
   * @default the same runner
   */
  readonly to?: TaskRunner;
  /**
   * The most second requests, as a share of all first ones, above 0 and up to 1. Each request earns
   * its share, and ten are saved up at most: with a tenth, the first nine requests get no second.
   * @default 0.1
   */
  readonly maxExtraShare?: number;
}

/** Timers count in 32 bits: one that is set for longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Sends a request once more when nothing has come of it for a while, and takes whichever begins to
 * answer first: now and then one request is much slower than its like. The other is stopped.
 *
 * The first piece of text decides, or the first call of a tool, or an answer that comes as a whole.
 * Before that, a failure of one waits for the other; after that, a failure is one of the attempt. A
 * request that has begun to answer in time is left alone, however long it takes.
 *
 * Both requests count as tries, so the second is not sent when it would be one too many for the
 * task's retries, except in the first attempt.
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
  const extra = new ExtraShare(maxExtraShare);
  const { name, settings, supportsTools } =
    to === runner ? runner : descriptionOf('hedge', [runner, to]);
  return {
    name,
    settings,
    supportsTools,
    // Every request goes there first.
    resource: runner.resource ?? runner.name,
    async run(request, context) {
      extra.earn();
      const race = new Race(request, context);
      const most = mostTries(context);
      const finish = race.start(runner, Math.max(1, most - 1));
      const isQuiet = await outlasts(afterMs, [finish, race.decided]);
      if (isQuiet && most > 1 && !context.signal.aborted && extra.spend()) {
        const time = afterMs.toLocaleString('en');
        const message = `nothing came from "${labelOf(runner)}" for ${time} ms; asking "${labelOf(to)}" too`;
        // Not awaited: it is late already.
        context.emit({ kind: 'notice', source: 'hedge', message });
        race.start(to, 1);
      }
      return race.outcome();
    },
  };
}

/** How many tries the attempt may amount to. */
function mostTries({ attempt, attemptsLeft }: RunContext): number {
  return attempt === 1 ? Math.max(2, attemptsLeft) : attemptsLeft;
}

/** Whether this time passes before any of these comes to its end. */
async function outlasts(ms: number, others: readonly Promise<unknown>[]): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const passed = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(true), Math.min(LONGEST_TIMER_MS, ms));
  });
  try {
    return await Promise.race([passed, ...others.map((other) => other.then(() => false))]);
  } finally {
    clearTimeout(timer);
  }
}
