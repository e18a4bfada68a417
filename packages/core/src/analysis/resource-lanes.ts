import type { ResourcePaused } from '../contract/event.js';
import type { ResourceLimits } from '../contract/resource-limit.js';
import { Cooldowns } from '../kernel/cooldowns.js';
import { restoreTrials } from '../kernel/restore-trials.js';
import type { RunState } from '../state/run-state.js';
import type { Blockers } from './blockers.js';
import type { RunClock } from './run-clock.js';

/** When nothing could start at single resources: full ones, those that asked to wait, and those without budget. */
export class ResourceLanes {
  /** Caps of resources. */
  readonly #limits: ResourceLimits;
  readonly #blockers: Blockers;
  readonly #clock: RunClock;
  /** Attempts in flight by resource, where resources have caps. */
  readonly #running = new Map<string, number>();
  /** As the kernel has it: where nothing may start since a server asked to wait. */
  #cooldowns = new Cooldowns();
  readonly #pausedOnce = new Set<string>();
  /** Resources whose own budget has held back a task. */
  readonly #shortOnce = new Set<string>();

  constructor(limits: ResourceLimits, blockers: Blockers, clock: RunClock) {
    this.#limits = limits;
    this.#blockers = blockers;
    this.#clock = clock;
  }

  /** The attempts in flight that do not count against the cap of the run. */
  get separate(): number {
    let separate = 0;
    for (const [resource, running] of this.#running) {
      if (this.#limits[resource]?.separate) separate += running;
    }
    return separate;
  }

  /** Servers open again as time passes. */
  advance(timestamp: number): void {
    const cooldowns = this.#cooldowns;
    if (!cooldowns.isActive) return;
    for (let at = cooldowns.next; at <= timestamp; at = cooldowns.next) {
      cooldowns.expire(at);
      this.#noteTrials(Math.max(this.#clock.latest, this.#clock.at(at)));
    }
  }

  /** An attempt started. */
  started(resource: string, index: number, timestamp: number, now: number): void {
    this.#countRunning(resource, 1, now);
    if (!this.#cooldowns.isActive) return;
    this.#cooldowns.started(resource, index, timestamp);
    this.#noteTrials(now);
  }

  /** An attempt ended. */
  settled(
    resource: string,
    index: number,
    hasAnswered: boolean,
    timestamp: number,
    now: number,
  ): void {
    this.#countRunning(resource, -1, now);
    if (!this.#cooldowns.isActive) return;
    this.#cooldowns.settled(resource, index, hasAnswered, timestamp);
    this.#noteTrials(now);
  }

  /** A server asked to wait. */
  pause({ resource, timestamp, pauseMs, code }: ResourcePaused, now: number): void {
    this.#blockers.pause(resource, now, this.#clock.rawAt(timestamp + pauseMs), code);
    this.#pausedOnce.add(resource);
    this.#cooldowns.begin(resource, timestamp + pauseMs, pauseMs);
    this.#noteTrials(now);
  }

  /** The run was resumed, with the cooldowns that the state has. */
  resume(state: RunState, resourceOf: (index: number) => string, now: number): void {
    this.#cooldowns = new Cooldowns();
    restoreTrials(this.#cooldowns, state, resourceOf);
    this.#noteTrials(now);
  }

  /** @param waits The resources whose own budget holds back a task. */
  noteBudgets(waits: RunState['budgetWaits'], now: number): void {
    for (const resource of waits.keys()) this.#shortOnce.add(resource);
    for (const resource of this.#shortOnce) {
      this.#blockers.setLane(resource, 'budget', now, waits.has(resource));
    }
  }

  /** Notes at which resources nothing may start. */
  #noteTrials(now: number): void {
    for (const resource of this.#pausedOnce) {
      this.#blockers.setLane(resource, 'trials', now, this.#cooldowns.has(resource));
    }
  }

  #countRunning(resource: string, change: 1 | -1, now: number): void {
    const limit = this.#limits[resource]?.maxParallel;
    if (limit === undefined) return;
    const running = (this.#running.get(resource) ?? 0) + change;
    this.#running.set(resource, running);
    this.#blockers.setLane(resource, 'full', now, running >= limit);
  }
}
