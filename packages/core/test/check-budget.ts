import { eitherBudget } from '../src/contract/budget.js';
import type { BudgetExceeded } from '../src/contract/event.js';
import { asksModel, type Task } from '../src/contract/task.js';
import type { Usage } from '../src/contract/usage.js';
import type { Metrics } from '../src/state/metrics.js';
import type { Account } from './account.js';
import { must } from './must.js';
import type { RandomRun } from './random-runs.js';

/** Adds up what a run uses, and holds it against its budget. Runs begin at 0. */
export class BudgetWatch {
  readonly #isExact: boolean;
  readonly #tokens: number;
  readonly #costUsd: number;
  readonly #tasks: number;
  readonly #wallTimeMs: number;
  #usedTokens = 0;
  #spent: number | null = 0;
  /** Tasks that were started, however often. */
  #started = 0;
  #reports = 0;

  constructor({ plan, options, isExact }: RandomRun) {
    const none = Number.POSITIVE_INFINITY;
    const budget = eitherBudget(plan.budget, options.budget) ?? {};
    const { tokens = none, costUsd = none, tasks = none, wallTimeMs = none } = budget;
    this.#isExact = isExact;
    this.#tokens = tokens;
    this.#costUsd = costUsd;
    this.#tasks = tasks;
    this.#wallTimeMs = wallTimeMs;
  }

  /** An attempt starts; its number is in the account already. */
  started({ task, attempts }: Account, now: number): void {
    if (attempts === 1) this.#started++;
    const { id, estimate } = task;
    must(this.#started <= this.#tasks, 'no more tasks start than the budget has', id);
    const end = now + (estimate?.durationMs ?? 0);
    must(end <= this.#wallTimeMs, 'what starts is expected to end in time', id);
    must(now < this.#wallTimeMs, 'nothing starts after the time is up', id);
    must(this.#usedTokens < this.#tokens, 'nothing starts after the tokens are used up', id);
    if (this.#costUsd === Number.POSITIVE_INFINITY) return;
    must(this.#spent !== null, 'nothing starts when nobody knows what it costs', id);
    must(this.#spent < this.#costUsd, 'nothing starts after the money is used up', id);
  }

  /** A round of re-planning begins. */
  revised(now: number): void {
    must(this.#started < this.#tasks, 'what a round adds can start');
    must(now < this.#wallTimeMs, 'no round begins after the time is up');
    must(this.#usedTokens < this.#tokens, 'no round begins after the tokens are used up');
    if (this.#costUsd === Number.POSITIVE_INFINITY) return;
    must(this.#spent !== null && this.#spent < this.#costUsd, 'a round can be paid for');
  }

  spend(usage: Usage | undefined, costUsd: number | undefined): void {
    if (usage === undefined && costUsd === undefined) return;
    this.#reports++;
    this.#usedTokens += (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0);
    this.#spent = this.#spent === null || costUsd === undefined ? null : this.#spent + costUsd;
  }

  /** Checks that a run is stopped for its budget only when there is no other way. */
  exceeded({ budget, used, requested }: BudgetExceeded, at: Account, now: number): void {
    const { task, attempts } = at;
    switch (budget) {
      case 'tasks':
        must(attempts === 0, 'another attempt is not another task', task.id);
        must(used === this.#started && used + 1 > this.#tasks, 'too many tasks start', task.id);
        break;
      case 'wallTimeMs':
        must(used === now, 'the time that is used is that of the run', task.id);
        must(requested === (task.estimate?.durationMs ?? 0), 'a start takes its time', task.id);
        must(used + requested > this.#wallTimeMs || used === this.#wallTimeMs, 'it is late');
        break;
      case 'tokens': {
        must(used === this.#usedTokens, 'all tokens are counted', task.id);
        const expected = this.#expected(task, 'tokens', this.#usedTokens);
        must(isNear(requested, expected), 'a start reserves its estimate', task.id);
        must(used >= this.#tokens || used + requested > this.#tokens, 'it is too much', task.id);
        break;
      }
      case 'costUsd': {
        must(used === this.#spent, 'all costs are added up', task.id);
        if (used === null) break;
        const expected = this.#expected(task, 'costUsd', used);
        must(isNear(requested, expected), 'a start reserves its estimate', task.id);
        must(used >= this.#costUsd || used + requested > this.#costUsd, 'it is too much', task.id);
      }
    }
  }

  close({ usage, costUsd }: Metrics): void {
    must(usage.inputTokens + usage.outputTokens === this.#usedTokens, 'all tokens are counted');
    must(costUsd === this.#spent, 'all costs are added up');
    if (!this.#isExact) return;
    must(this.#usedTokens <= this.#tokens, 'no more tokens are used than the budget has');
    must((this.#spent ?? 0) <= this.#costUsd, 'no more is spent than the budget has');
  }

  /** A task that does not say counts as the average; without a model, as nothing. */
  #expected({ estimate, ...work }: Task, what: 'tokens' | 'costUsd', used: number): number {
    const average = this.#reports === 0 ? 0 : used / this.#reports;
    return estimate?.[what] ?? (asksModel(work) ? average : 0);
  }
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) < 1e-6;
}
