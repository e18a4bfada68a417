import { type Budget, eitherBudget, type ResourceBudget } from '../src/contract/budget.js';
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
  readonly #budget: Budget;
  readonly #tasks: number;
  readonly #wallTimeMs: number;
  readonly #whole: AmountWatch;
  readonly #resources = new Map<string, AmountWatch>();
  readonly #resourceOf: (task: Task) => string;
  /** Tasks that were started, however often. */
  #started = 0;

  constructor({ plan, options, isExact }: RandomRun) {
    const none = Number.POSITIVE_INFINITY;
    const budget = eitherBudget(plan.budget, options.budget) ?? {};
    const { tasks = none, wallTimeMs = none } = budget;
    this.#isExact = isExact;
    this.#budget = budget;
    this.#tasks = tasks;
    this.#wallTimeMs = wallTimeMs;
    this.#whole = new AmountWatch(budget);
    this.#resourceOf = options.resourceOf ?? (() => 'simulation');
    for (const [name, limits] of Object.entries(budget.resources ?? {})) {
      this.#resources.set(name, new AmountWatch(limits));
    }
  }

  /** An attempt starts; its number is in the account already. */
  started({ task, attempts }: Account, now: number): void {
    if (attempts === 1) this.#started++;
    const { id, estimate } = task;
    must(this.#started <= this.#tasks, 'no more tasks start than the budget has', id);
    const end = now + (estimate?.durationMs ?? 0);
    must(end <= this.#wallTimeMs, 'what starts is expected to end in time', id);
    must(now < this.#wallTimeMs, 'nothing starts after the time is up', id);
    this.#whole.started(id);
    this.#of(task)?.started(id);
  }

  /** A round of re-planning begins. */
  revised(now: number): void {
    must(this.#started < this.#tasks, 'what a round adds can start');
    must(now < this.#wallTimeMs, 'no round begins after the time is up');
    this.#whole.started('a round');
  }

  /** @param task The task of the attempt; undefined for a round of re-planning. */
  spend(task: Task | undefined, usage: Usage | undefined, costUsd: number | undefined): void {
    if (usage === undefined && costUsd === undefined) return;
    this.#whole.spend(usage, costUsd);
    if (task !== undefined) this.#of(task)?.spend(usage, costUsd);
  }

  /** Checks that a task waits only while other attempts at its resource are in flight. */
  waiting(resource: string | undefined, task: Task, running: readonly Task[]): void {
    if (resource === undefined) return;
    must(resource === this.#resourceOf(task), 'a task waits for its own resource', task.id);
    must(this.#resources.has(resource), 'only a resource with a budget is waited for', task.id);
    const isInUse = running.some((each) => this.#resourceOf(each) === resource);
    must(isInUse, 'a task waits while attempts at its resource are in flight', task.id);
  }

  /** Checks that a run is stopped for its budget only when there is no other way. */
  exceeded(event: BudgetExceeded, at: Account, now: number): void {
    const { budget, resource, used, requested } = event;
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
      default: {
        if (resource === undefined) {
          this.#whole.exceeded(event, task);
          break;
        }
        must(resource === this.#resourceOf(task), 'a task uses its own resource', task.id);
        const limit = this.#budget.resources?.[resource]?.[budget];
        must(event.limit === limit, 'a resource has its own limit', task.id);
        must(this.#resources.has(resource), 'only a resource with a budget exceeds it', task.id);
        this.#resources.get(resource)?.exceeded(event, task);
      }
    }
  }

  close({ usage, costUsd }: Metrics): void {
    this.#whole.close(usage.inputTokens + usage.outputTokens, costUsd);
    if (!this.#isExact) return;
    for (const watch of [this.#whole, ...this.#resources.values()]) watch.requireKept();
  }

  #of(task: Task): AmountWatch | undefined {
    return this.#resources.get(this.#resourceOf(task));
  }
}

/** Adds up the tokens and the cost of a run, or those at one of its resources. */
class AmountWatch {
  readonly #tokens: number;
  readonly #costUsd: number;
  #usedTokens = 0;
  #spent: number | null = 0;
  #reports = 0;

  constructor({ tokens, costUsd }: ResourceBudget) {
    this.#tokens = tokens ?? Number.POSITIVE_INFINITY;
    this.#costUsd = costUsd ?? Number.POSITIVE_INFINITY;
  }

  started(id: string): void {
    must(this.#usedTokens < this.#tokens, 'nothing starts after the tokens are used up', id);
    if (this.#costUsd === Number.POSITIVE_INFINITY) return;
    must(this.#spent !== null, 'nothing starts when nobody knows what it costs', id);
    must(this.#spent < this.#costUsd, 'nothing starts after the money is used up', id);
  }

  spend(usage: Usage | undefined, costUsd: number | undefined): void {
    this.#reports++;
    this.#usedTokens += (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0);
    this.#spent = this.#spent === null || costUsd === undefined ? null : this.#spent + costUsd;
  }

  exceeded({ budget, used, requested }: BudgetExceeded, task: Task): void {
    const isTokens = budget === 'tokens';
    const [limit, spent] = isTokens
      ? [this.#tokens, this.#usedTokens]
      : [this.#costUsd, this.#spent];
    must(used === spent, 'all that was used is added up', task.id);
    if (used === null) return;
    const expected = this.#expected(task, isTokens ? 'tokens' : 'costUsd', used);
    must(isNear(requested, expected), 'a start reserves its estimate', task.id);
    must(used >= limit || used + requested > limit, 'it is too much', task.id);
  }

  close(tokens: number, costUsd: number | null): void {
    must(tokens === this.#usedTokens, 'all tokens are counted');
    must(costUsd === this.#spent, 'all costs are added up');
  }

  requireKept(): void {
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
