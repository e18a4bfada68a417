import { OptionError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';
import { listOfEvents } from '../state/check-events.js';
import { type Metrics, metricsOf } from '../state/metrics.js';
import { criticalPathOf } from './critical-path.js';
import { failuresOf } from './failure-groups.js';
import { RunFold } from './run-fold.js';
import { LazyTaskAnalysis, stateOf, workOf } from './task-analysis.js';
import type {
  AnalyzeOptions,
  ConcurrencyStep,
  CriticalPath,
  FailureGroup,
  Pause,
  RunAnalysis,
  TaskAnalysis,
  TaskCounts,
} from './types.js';

/**
 * Analyses a run from its events: under way, ended, or cut off anywhere.
 *
 * @throws {OptionError} when the value is no iterable of events.
 * @throws {OptionError} when the events do not begin with `run_started`.
 *
 * @example
 * const { criticalPath, makespanMs } = analyzeRun(result.timeline);
 * for (const { part, ms } of criticalPath.parts) console.log(part, ms / makespanMs);
 */
export function analyzeRun(events: Iterable<RunEvent>, options: AnalyzeOptions = {}): RunAnalysis {
  return new LazyRunAnalysis(foldRun('analyzeRun()', events), options.now);
}

/** @throws {OptionError} when the value is no iterable of events, named after `owner`. */
export function foldRun(owner: string, events: Iterable<RunEvent>): RunFold {
  let fold: RunFold | undefined;
  for (const event of listOfEvents(owner, events)) fold = add(fold, event);
  return requireStart(fold);
}

/** A changed plan that was accepted starts the run again in the middle of a log. */
function add(fold: RunFold | undefined, event: RunEvent): RunFold {
  const current = event.type === 'run_started' ? new RunFold(event) : requireStart(fold);
  current.add(event);
  return current;
}

function requireStart(fold: RunFold | undefined): RunFold {
  if (fold === undefined) throw new OptionError('a log begins with run_started');
  return fold;
}

/**
 * Analyses a run while it is under way, event by event.
 *
 * @example
 * const analyzer = new RunAnalyzer();
 * for await (const event of run.events()) {
 *   analyzer.add(event);
 *   show(analyzer.analyze({ now: Date.now() }).counts);
 * }
 */
export class RunAnalyzer {
  #fold: RunFold | undefined;

  /**
   * Takes the next event into account, in constant time on average.
   *
   * @throws {OptionError} when the first event is not `run_started`.
   */
  add(event: RunEvent): void {
    this.#fold = add(this.#fold, event);
  }

  /**
   * The run as the events so far tell it. What takes long is computed when it is first read, so read it
   * before the next event is added.
   *
   * @throws {OptionError} before the first event.
   */
  analyze({ now }: AnalyzeOptions = {}): RunAnalysis {
    return new LazyRunAnalysis(requireStart(this.#fold), now);
  }
}

class LazyRunAnalysis implements RunAnalysis {
  readonly makespanMs: number;
  readonly #fold: RunFold;
  #criticalPath: CriticalPath | undefined;
  #metrics: Metrics | undefined;
  #failures: readonly FailureGroup[] | undefined;
  #tasks: readonly TaskAnalysis[] | undefined;

  constructor(fold: RunFold, now: number | undefined) {
    const { state, clock } = fold;
    const hasEnded = state.status !== 'created' && state.status !== 'running';
    const until = hasEnded || now === undefined ? clock.latest : clock.at(now);
    this.#fold = fold;
    this.makespanMs = Math.max(clock.latest, until);
  }

  get goal(): string {
    return this.#fold.goal;
  }

  get status(): RunAnalysis['status'] {
    return this.#fold.state.status;
  }

  get strategy(): string {
    return this.#fold.strategy;
  }

  get forkedFrom(): RunAnalysis['forkedFrom'] {
    return this.#fold.forkedFrom;
  }

  get startedAt(): number {
    return this.#fold.clock.startedAt;
  }

  get counts(): TaskCounts {
    const counts = {
      total: this.#fold.tasks.length,
      ...{ pending: 0, ready: 0, running: 0, retrying: 0, waiting: 0, open: 0 },
      ...{ completed: 0, failed: 0, skipped: 0, canceled: 0 },
    };
    for (const record of this.#fold.tasks) {
      const { state } = this.#fold;
      counts[record.endMs === undefined ? stateOf(record) : state.statusOf(record.index)]++;
    }
    return counts;
  }

  get criticalPath(): CriticalPath {
    this.#criticalPath ??= criticalPathOf(this.#fold, this.makespanMs);
    return this.#criticalPath;
  }

  get tasks(): readonly TaskAnalysis[] {
    if (this.#tasks === undefined) {
      const critical = new Set(this.criticalPath.taskIds);
      const { tasks, graph } = this.#fold;
      this.#tasks = tasks.map((record) => {
        const isCritical = critical.has(graph.taskOf(record.index).id);
        return new LazyTaskAnalysis(this.#fold, record, this.makespanMs, isCritical);
      });
    }
    return this.#tasks;
  }

  task(id: string): TaskAnalysis | undefined {
    const index = this.#fold.graph.indexOf(id);
    return index === undefined ? undefined : this.tasks[index];
  }

  promptOf(id: string): string | undefined {
    const index = this.#fold.graph.indexOf(id);
    return index === undefined ? undefined : this.#fold.prompts.of(index);
  }

  slowest(count: number): readonly TaskAnalysis[] {
    const ran = this.#fold.tasks
      .map((record) => ({ index: record.index, ms: workOf(record, this.makespanMs) }))
      .filter(({ ms }) => ms > 0);
    ran.sort((a, b) => b.ms - a.ms || a.index - b.index);
    return ran.slice(0, count).map(({ index }) => this.tasks[index] as TaskAnalysis);
  }

  get concurrency(): readonly ConcurrencyStep[] {
    return this.#fold.steps;
  }

  get pauses(): readonly Pause[] {
    return this.#fold.blockers.pauses(this.makespanMs);
  }

  get failures(): readonly FailureGroup[] {
    this.#failures ??= failuresOf(this.#fold.state);
    return this.#failures;
  }

  get replans(): RunAnalysis['replans'] {
    return this.#fold.rounds.map(({ startMs, endMs = this.makespanMs }) => ({ startMs, endMs }));
  }

  get metrics(): Metrics {
    this.#metrics ??= metricsOf(this.#fold.state);
    return this.#metrics;
  }

  toJSON(): Record<string, unknown> {
    const { goal, status, strategy, startedAt, makespanMs, counts, tasks, criticalPath } = this;
    const { forkedFrom } = this;
    const { concurrency, pauses, failures, replans, metrics } = this;
    return {
      ...{ goal, status, strategy, startedAt, makespanMs, counts, tasks, criticalPath },
      ...(forkedFrom !== undefined && { forkedFrom }),
      ...{ concurrency, pauses, failures, replans, metrics },
    };
  }
}
