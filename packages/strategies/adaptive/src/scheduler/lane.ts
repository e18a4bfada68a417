import type { RunView, StrategySwitch, TaskView } from '@stratagem/core';
import { Heap } from '@stratagem/core/strategy';
import type { LearnedResource } from '../estimate/learned.js';
import { fairShare } from '../limits/fair-share.js';
import type { Controller, Queue } from './controller.js';

/** A run that has not called for this long no longer counts: it is paused, or its executor has broken off. */
const SILENCE_MS = 60_000;
/** The same with requests in flight: while a model thinks for minutes, a run has nothing to call about. */
const SILENCE_IN_FLIGHT_MS = 600_000;

/** What the lanes of several runs at one resource have in common. */
export interface SharedResource {
  readonly controller: Controller;
  /** The lanes of the runs that are under way. */
  readonly lanes: Set<Lane>;
  /** Reports to the run whose scheduler is being called. */
  report: (change: StrategySwitch) => void;
}

/** The ready tasks of one run at one resource, and the controller that decides when they start. */
export class Lane {
  ready: Heap<TaskView>;
  readonly #run: RunView;
  readonly #resource: SharedResource;
  readonly #report: (change: StrategySwitch) => void;
  #inFlight = 0;
  #calledAt: number;

  constructor(
    run: RunView,
    resource: SharedResource,
    compare: (a: TaskView, b: TaskView) => number,
    report: (change: StrategySwitch) => void,
  ) {
    this.ready = new Heap(compare);
    this.#run = run;
    this.#resource = resource;
    this.#report = report;
    this.#calledAt = run.now;
    resource.lanes.add(this);
  }

  /** The controller, for a call by this run. */
  call(): Controller {
    const { lanes } = this.#resource;
    this.#calledAt = this.#run.now;
    this.#resource.report = this.#report;
    lanes.add(this);
    for (const lane of lanes) {
      if (lane !== this && !lane.isUnderWay(this.#run.now)) lane.#leave();
    }
    return this.#resource.controller;
  }

  isUnderWay(now: number): boolean {
    const longest = this.#inFlight > 0 ? SILENCE_IN_FLIGHT_MS : SILENCE_MS;
    return this.#run.remaining > 0 && now - this.#calledAt <= longest;
  }

  /** When a task of this run may start; Infinity while it must wait for others. */
  availableAt(task: TaskView, now: number): number {
    const controller = this.call();
    const { lanes } = this.#resource;
    if (lanes.size === 1) return controller.availableAt(task, now);
    const others = [...lanes].filter((lane) => lane !== this);
    const demands = others.map((lane) => lane.#demand);
    if (this.#inFlight >= fairShare(controller.limit, this.#demand, demands)) {
      return controller.holdBack();
    }
    // A run is only called after its own events, so it must not be without any request.
    return controller.availableAt(task, now, this.#inFlight === 0);
  }

  recordStart(task: TaskView, now: number): void {
    this.#inFlight++;
    this.call().recordStart(task, this, now);
  }

  learned(): LearnedResource {
    return this.#resource.controller.learned();
  }

  recordEnd(): void {
    this.#inFlight = Math.max(0, this.#inFlight - 1);
  }

  /** The tasks that wait, of all runs. */
  get queue(): Queue {
    let ready = 0;
    let waiting = 0;
    for (const lane of this.#resource.lanes) {
      ready += lane.ready.size;
      waiting += lane.#run.remaining - lane.#run.running;
    }
    return { ready, waiting };
  }

  /** The places that the run could use. */
  get #demand(): number {
    return this.#inFlight + this.ready.size;
  }

  #leave(): void {
    const { lanes, controller } = this.#resource;
    lanes.delete(this);
    // Its own count stays: a run that calls again still has these requests in flight.
    controller.discardOf(this);
  }
}
