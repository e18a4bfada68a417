import type {
  Outcome,
  OutputPart,
  RunView,
  Scheduler,
  Strategy,
  StrategySwitch,
  TaskType,
  TaskView,
  Wait,
} from '@stratagem/core';
import { checkStrategy } from '@stratagem/core/strategy';

/** How long a run waits before it asks again, while the scheduler chooses tasks of other runs. */
const POLL_MS = 10;
/** More tasks than any run has: keeps the indexes of runs apart. */
const INDEXES_PER_RUN = 2 ** 26;

/**
 * A strategy whose runs share one scheduler, so that it learns from all of them and keeps one limit for
 * all. A strategy that does not observe attempts has nothing to share: its runs stay separate, and the
 * cap of the executor holds for all of them.
 *
 * @example
 * const executor = createExecutor({ strategy: sharedStrategy(adaptive()), runner });
 */
export function sharedStrategy(strategy: Strategy): Strategy {
  return shareStrategy(strategy).strategy;
}

/** A shared strategy, and what is known about its scheduler. */
export interface Shared {
  readonly strategy: Strategy;
  /** Whether it observes attempts; false before the first run. */
  readonly isLearning: boolean;
}

export function shareStrategy(strategy: Strategy): Shared {
  checkStrategy('sharedStrategy()', strategy);
  let shared: SharedScheduler | undefined;
  return {
    strategy: {
      name: strategy.name,
      ...(strategy.maxParallel !== undefined && { maxParallel: strategy.maxParallel }),
      begin(run) {
        shared ??= new SharedScheduler(strategy);
        return shared.join(run);
      },
    },
    get isLearning() {
      return shared?.scheduler?.settled !== undefined;
    },
  };
}

/** One scheduler behind the runs of a map. */
class SharedScheduler {
  readonly #strategy: Strategy;
  #scheduler: Scheduler | undefined;
  readonly #members = new Set<Member>();
  #nextBase = 0;
  /** The run in whose call the scheduler is called. */
  #asking!: Member;

  constructor(strategy: Strategy) {
    this.#strategy = strategy;
  }

  join(run: RunView): Scheduler {
    for (const member of this.#members) {
      if (member.run.remaining === 0) this.#members.delete(member);
    }
    const member = new Member(this, run, this.#nextBase);
    this.#nextBase += INDEXES_PER_RUN;
    this.#members.add(member);
    if (this.#scheduler === undefined) {
      this.#scheduler = this.call(member, () => this.#strategy.begin(this.#view()));
    }
    const { settled, output } = this.#scheduler;
    if (settled === undefined && output === undefined) {
      this.#members.clear();
      return this.#strategy.begin(run);
    }
    return member.scheduler(output !== undefined);
  }

  /** Undefined before the first run. */
  get scheduler(): Scheduler | undefined {
    return this.#scheduler;
  }

  get isAlone(): boolean {
    return this.#members.size === 1;
  }

  call<Result>(member: Member, work: () => Result): Result {
    this.#asking = member;
    return work();
  }

  /** All runs as one. */
  #view(): RunView {
    const members = this.#members;
    const asking = () => this.#asking.run;
    const sum = (figure: (run: RunView) => number) => {
      let total = 0;
      for (const { run } of members) total += figure(run);
      return total;
    };
    return {
      get now() {
        return asking().now;
      },
      get maxParallel() {
        return asking().maxParallel;
      },
      get totalTasks() {
        return sum((run) => run.totalTasks);
      },
      get running() {
        return sum((run) => run.running);
      },
      get ready() {
        return sum((run) => run.ready);
      },
      get remaining() {
        return sum((run) => run.remaining);
      },
      get isOver() {
        return [...members].every(({ run }) => run.isOver);
      },
      get cappedResources() {
        return asking().cappedResources;
      },
      serverOf: (task: TaskView) => asking().serverOf((task as SharedTask).original),
      isFull: (resource: string) => asking().isFull(resource),
      report: (change: StrategySwitch) => asking().report(change),
      criticalPaths(usualMs: (type: TaskType) => number) {
        const paths = new Map<Member, (task: TaskView) => number>();
        return (task: TaskView) => {
          const { member, original } = task as SharedTask;
          let path = paths.get(member);
          if (path === undefined) {
            path = member.run.criticalPaths(usualMs);
            paths.set(member, path);
          }
          return path(original);
        };
      },
    };
  }
}

/** One of the runs. */
class Member {
  readonly run: RunView;
  readonly #shared: SharedScheduler;
  readonly #base: number;
  /** The tasks that the scheduler has, by the views of the run. */
  readonly #tasks = new Map<TaskView, SharedTask>();
  /** Tasks of this run that were chosen while another run asked. */
  readonly #chosen: SharedTask[] = [];
  /** Ready tasks that were not chosen. */
  #waiting = 0;

  constructor(shared: SharedScheduler, run: RunView, base: number) {
    this.#shared = shared;
    this.run = run;
    this.#base = base;
  }

  scheduler(isListening: boolean): Scheduler {
    return {
      ready: (task) => this.#ready(task),
      next: (now) => this.#next(now),
      settled: (task, outcome) => this.#settled(task, outcome),
      ...(isListening && { output: (task, part) => this.#output(task, part) }),
    };
  }

  #call<Result>(work: (scheduler: Scheduler) => Result): Result {
    return this.#shared.call(this, () => work(this.#shared.scheduler as Scheduler));
  }

  #ready(original: TaskView): void {
    const task = new SharedTask(original, this, this.#base + original.index);
    this.#tasks.set(original, task);
    this.#waiting++;
    this.#call((scheduler) => scheduler.ready(task));
  }

  #next(now: number): TaskView | Wait | undefined {
    for (;;) {
      const own = this.#chosen.shift();
      if (own !== undefined) return own.original;
      const choice = this.#call((scheduler) => scheduler.next(now));
      if (choice instanceof SharedTask) {
        choice.member.#waiting--;
        choice.member.#chosen.push(choice);
        continue;
      }
      if (this.#waiting === 0 || this.#shared.isAlone) return choice as Wait | undefined;
      // Nobody wakes this run when the scheduler chooses one of its tasks for another run.
      const until = (choice as Wait | undefined)?.until ?? Number.POSITIVE_INFINITY;
      return { until: Math.min(until, now + POLL_MS) };
    }
  }

  #settled(original: TaskView, outcome: Outcome): void {
    const task = this.#tasks.get(original);
    if (task === undefined) return;
    this.#tasks.delete(original);
    this.#call((scheduler) => scheduler.settled?.(task, outcome));
  }

  #output(original: TaskView, part: OutputPart): void {
    const task = this.#tasks.get(original);
    if (task !== undefined) this.#call((scheduler) => scheduler.output?.(task, part));
  }
}

/** A task with an index that no task of another run has. */
class SharedTask implements TaskView {
  readonly id: string;
  readonly index: number;
  readonly type: TaskView['type'];
  readonly level: number;
  readonly priority: number;
  readonly estimate: TaskView['estimate'];
  readonly criticalPath: number;
  readonly resource: string;
  readonly original: TaskView;
  readonly member: Member;

  constructor(original: TaskView, member: Member, index: number) {
    this.id = original.id;
    this.index = index;
    this.type = original.type;
    this.level = original.level;
    this.priority = original.priority;
    this.estimate = original.estimate;
    this.criticalPath = original.criticalPath;
    this.resource = original.resource;
    this.original = original;
    this.member = member;
  }
}
