import type { RunView, StrategySwitch, TaskView } from '@stratagem/core';
import { Heap } from '@stratagem/core/strategy';
import type { LearnedResource } from '../estimate/learned.js';
import { fairShare } from '../limits/fair-share.js';
import type { Controller, Queue } from './controller.js';

/** What the runs that compete for one resource of a server have in common. */
export class SharedResource {
  readonly controller: Controller;
  /** The lanes of the runs that are under way. */
  readonly lanes = new Set<Lane>();
  /** Reports to the run whose scheduler is being called. */
  report: (change: StrategySwitch) => void = () => {};

  constructor(createController: (report: (change: StrategySwitch) => void) => Controller) {
    this.controller = createController((change) => this.report(change));
  }
}

/** The ready tasks of one run at one resource, and the controller that decides when they start. */
export class Lane {
  ready: Heap<TaskView>;
  readonly #run: RunView;
  readonly #resourceFor: (known?: SharedResource) => SharedResource;
  #resource: SharedResource;
  readonly #report: (change: StrategySwitch) => void;
  #inFlight = 0;
  /** When the last request ended, and how long it took. */
  #endedAt = 0;
  #latencyMs = 0;
  /** Until when ready tasks are held back for the other runs. */
  #heldUntil = Number.NEGATIVE_INFINITY;

  /** @param resourceFor The resource of the runs that are under way, or else the known one or a new one. */
  constructor(
    run: RunView,
    resourceFor: (known?: SharedResource) => SharedResource,
    compare: (a: TaskView, b: TaskView) => number,
    report: (change: StrategySwitch) => void,
  ) {
    this.ready = new Heap(compare);
    this.#run = run;
    this.#report = report;
    this.#resourceFor = resourceFor;
    this.#resource = resourceFor();
    this.#resource.lanes.add(this);
  }

  /** Whether the run has ended, or its process no longer carries it out. */
  get isOver(): boolean {
    return this.#run.isOver;
  }

  /** The controller, for a call by this run. */
  call(): Controller {
    // Several runs in a row may be one to this strategy. It is over between them, and others may have begun.
    if (!this.#resource.lanes.has(this)) {
      this.#resource = this.#resourceFor(this.#resource);
      this.#resource.lanes.add(this);
    }
    const { lanes, controller } = this.#resource;
    this.#resource.report = this.#report;
    for (const lane of lanes) {
      if (lane !== this && lane.isOver) lane.leave();
    }
    return controller;
  }

  /** When a task of this run may start; Infinity while it must wait for others. */
  availableAt(task: TaskView, now: number): number {
    const controller = this.call();
    const { lanes } = this.#resource;
    if (lanes.size === 1) return controller.availableAt(task, now);
    const others = [...lanes].filter((lane) => lane !== this).map((lane) => lane.#demand(now));
    const share = fairShare(controller.limit, this.#inFlight + this.ready.size, others);
    const isWithin = this.#inFlight < Math.ceil(share);
    // A run is only called after its own events, so it must not wait for the end of a request of another one.
    // With less than one place for each run, they take turns.
    const turnAt =
      this.#inFlight === 0 ? this.#endedAt + this.#latencyMs * Math.max(0, 1 / share - 1) : now;
    const at = isWithin
      ? Math.max(turnAt, controller.availableAt(task, now, this.#inFlight === 0))
      : controller.holdBack();
    this.#heldUntil = at > now ? at : Number.NEGATIVE_INFINITY;
    return at;
  }

  recordStart(task: TaskView, now: number): void {
    this.#inFlight++;
    this.#heldUntil = Number.NEGATIVE_INFINITY;
    this.call().recordStart(task, this, now);
  }

  learned(): LearnedResource {
    return this.#resource.controller.learned();
  }

  recordEnd(latencyMs: number): void {
    this.#inFlight--;
    this.#endedAt = this.#run.now;
    this.#latencyMs = latencyMs;
    // It is asked again at once, unless it is paused.
    this.#heldUntil = Number.NEGATIVE_INFINITY;
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

  /** Gives up its places, and its part in the resource until it is called again. */
  leave(): void {
    const { lanes, controller } = this.#resource;
    lanes.delete(this);
    controller.discardOf(this);
    this.#inFlight = 0;
  }

  /** The places that the run has or wants. Its own limits, or a pause, may keep it from wanting more. */
  #demand(now: number): number {
    return this.#inFlight + (now <= this.#heldUntil ? this.ready.size : 0);
  }
}
