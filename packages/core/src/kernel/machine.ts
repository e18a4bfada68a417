import type { Stop } from '../contract/stop.js';
import type { Task } from '../contract/task.js';
import type { Graph } from '../graph/graph.js';
import type { EventLog, UnstampedEvent } from '../state/event-log.js';
import { FanOut } from '../state/fan-out.js';
import { InFlight } from '../state/in-flight.js';
import { RunState } from '../state/run-state.js';
import { Queue } from '../util/queue.js';
import type { Command } from './command.js';
import { Cooldowns } from './cooldowns.js';
import type { KernelOptions } from './options.js';
import { Places } from './places.js';
import type { Recovery } from './recovery.js';
import { StrategyAdapter } from './strategy-adapter.js';
import { Timers } from './timers.js';

/**
 * What the rules of one kernel share. All that a run has come to is in `state`; what is here besides
 * only serves the step under way, or follows from the state and is made again on resume.
 */
export class Machine {
  readonly options: KernelOptions;
  readonly graph: Graph;
  readonly state: RunState;
  readonly log: EventLog;
  /** Ends of attempts, of waits between them, and of waits for humans. */
  readonly timers = new Timers();
  /** For attempts in flight with an idle limit, when they were last heard of. */
  readonly heard = new Map<number, number>();
  /** Work for the driver. */
  readonly commands: Command[] = [];
  readonly cooldowns = new Cooldowns();
  readonly fanOut: FanOut;
  readonly strategy: StrategyAdapter;
  /** For a run with caps of resources, or one that shares places with other runs. */
  readonly places: Places | undefined;
  readonly inFlight: InFlight | undefined;
  /** Whether ready tasks wait for the driver to lend the run more places. */
  isHeldBack = false;
  /** Whether nothing more starts in this process; the log does not say so. */
  isHalted = false;
  /** The limits of an attempt whose task sets none; see `KernelOptions`. */
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number | undefined;
  /** Groups that have begun: their children may start. */
  readonly begunGroups = new Set<number>();
  /** Fan-outs that wait for the next items of their streams. */
  readonly reading = new Set<number>();
  /** Why the streams of fan-outs cannot be read further. A resumed run finds out again. */
  readonly streamErrors = new Map<number, unknown>();
  /** For each fan-out over a stream, the event with the items that it read last. */
  readonly lastRead = new Map<number, number>();
  /** Tasks whose last dependency has just settled. */
  readonly unblocked = new Queue<number>();
  /** Unblocked tasks that are more than one attempt; they begin after everything else was settled. */
  readonly openings = new Queue<number>();
  /** Entries of the log before this one have had their consequences. */
  handled = 0;
  /** The time of the input that is worked on. */
  now = 0;
  /** When the run must be over, as Unix time in milliseconds; Infinity for no limit. */
  deadline = Number.POSITIVE_INFINITY;
  /** The tasks that still run after a stop, for a graph of this size. */
  survivors:
    | { readonly stop: Stop; readonly size: number; readonly indexes: ReadonlySet<number> }
    | undefined;
  /** When the driver is to call `wake`, as Unix time in milliseconds; Infinity for never. */
  nextWake = Number.POSITIVE_INFINITY;
  /** How often tasks are about to be added. */
  expectedAdditions = 0;
  /** The recorded run that has yet to be resumed. */
  recovery: Recovery | undefined;
  /** What was asked for before the start. */
  startsPaused = false;
  maxParallelAtStart: number;
  /** A task that the strategy chose and the budget holds back until attempts in flight have ended. */
  held: number | undefined;
  /** For each resource whose own budget holds back a chosen task, that task. */
  readonly heldAt = new Map<string, number>();

  constructor(options: KernelOptions) {
    const { graph, plan, failFast, budget, beginsLater = false, resources, loan } = options;
    this.options = options;
    this.maxParallelAtStart = options.maxParallel;
    this.timeoutMs = plan.timeoutMs ?? options.timeoutMs;
    this.idleTimeoutMs = plan.idleTimeoutMs ?? options.idleTimeoutMs;
    const inFlight =
      resources === undefined && loan === undefined
        ? undefined
        : new InFlight((index) => this.strategy.resourceOf(index));
    this.graph = graph;
    this.state = new RunState(graph, {
      failFast,
      goalState: plan.goalState,
      hasBudget: budget !== undefined,
      accounts: budget?.resources && Object.keys(budget.resources),
      beginsLater,
      inFlight,
      secrets: options.secrets,
    });
    this.inFlight = inFlight;
    this.places = inFlight && new Places(this.state, inFlight, resources ?? {}, loan);
    this.log = this.state.log;
    this.fanOut = new FanOut(options.codecs, options.secretTexts, options.isAssumed);
    this.strategy = new StrategyAdapter(options.strategy, graph, options);
  }

  get hasEnded(): boolean {
    const { status } = this.state;
    return status !== 'created' && status !== 'running' && this.recovery === undefined;
  }

  get isUnderWay(): boolean {
    return this.state.status === 'running' && this.recovery === undefined;
  }

  /** Whether this is the attempt in flight at a task, in this process. */
  isInFlight(index: number, attempt: number): boolean {
    // Before the start of a recovered run, its attempts in flight are those of another process.
    return this.recovery === undefined && this.state.isInFlight(index, attempt);
  }

  /** Time never goes backwards within a run, whatever the driver's clock does. */
  setTime(now: number): void {
    if (now > this.now) this.now = now;
  }

  task(index: number): Task {
    return this.graph.tasks[index] as Task;
  }

  /** Appends an event and folds it; its consequences follow when the step gets to it. */
  tell(event: UnstampedEvent, index = -1): void {
    this.state.fold(this.log.appendNew(event, index, this.now));
  }

  /** What every event about a task says. */
  about(index: number): { readonly taskId: string; readonly level: number } {
    return { taskId: this.task(index).id, level: this.graph.levelOf(index) };
  }

  /** Nothing that is ready, chosen or about to begin starts any more. */
  forgetReady(): void {
    this.strategy.clear();
    this.cooldowns.clear();
    this.held = undefined;
    this.heldAt.clear();
  }
}
