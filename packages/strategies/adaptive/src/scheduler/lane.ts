import type { Outcome, OutputPart, RunView, StrategySwitch, TaskView } from '@stratagem/core';
import { Heap } from '@stratagem/core/strategy';
import type { LearnedResource } from '../estimate/learned.js';
import { fairShare } from '../limits/fair-share.js';
import type { Controller, Moment, SentRequest } from './controller.js';

/** A resource of a server, such as a model. */
export interface Resource {
  readonly name: string;
  readonly server: object;
  /** Runs with the same key at the same server share a controller. */
  readonly key: string;
  readonly createController: () => Controller;
}

/** A controller, and the lanes of the runs under way that share it. */
interface Shared {
  readonly controller: Controller;
  readonly lanes: Set<Lane>;
}

type Compare = (a: TaskView, b: TaskView) => number;

/** By server and key. Only lanes keep a controller in memory: the server may outlive all runs. */
const SHARED = new WeakMap<object, Map<string, WeakRef<Shared>>>();

/** The tasks of one run at one resource. */
export class Lane {
  ready: Heap<TaskView>;
  readonly #run: RunView;
  readonly #resource: Resource;
  #shared: Shared;
  readonly #inFlight = new Map<TaskView, SentRequest>();
  /** When the last request ended, and how long it took. */
  #endedAt = 0;
  #latencyMs = 0;
  /** Until when ready tasks are held back for the other runs. */
  #heldUntil = Number.NEGATIVE_INFINITY;

  constructor(run: RunView, resource: Resource, compare: Compare) {
    this.ready = new Heap(compare);
    this.#run = run;
    this.#resource = resource;
    this.#shared = this.#join();
  }

  /** When a task may start; Infinity while it must wait for others. */
  availableAt(task: TaskView, now: number): number {
    const controller = this.#call();
    const { lanes } = this.#shared;
    if (lanes.size === 1) return controller.availableAt(task, now);
    const inFlight = this.#inFlight.size;
    const others = [...lanes].filter((lane) => lane !== this).map((lane) => lane.#demand(now));
    const share = fairShare(controller.limit, inFlight + this.ready.size, others);
    // A run is only called after its own events, so it must not wait for the end of a request of another one.
    // With less than one place for each run, they take turns.
    const isIdle = inFlight === 0;
    const turnAt = isIdle ? this.#endedAt + this.#latencyMs * Math.max(0, 1 / share - 1) : now;
    const at =
      inFlight < Math.ceil(share)
        ? Math.max(turnAt, controller.availableAt(task, now, isIdle))
        : controller.holdBack();
    this.#heldUntil = at > now ? at : Number.NEGATIVE_INFINITY;
    return at;
  }

  recordStart(task: TaskView, now: number): void {
    this.#heldUntil = Number.NEGATIVE_INFINITY;
    this.#inFlight.set(task, this.#call().recordStart(task, now));
  }

  recordOutput(task: TaskView, part: OutputPart): void {
    const request = this.#inFlight.get(task);
    if (request === undefined) return;
    this.#report(this.#call().recordOutput(request, part, this.#moment));
  }

  recordOutcome(task: TaskView, outcome: Outcome): void {
    const request = this.#inFlight.get(task);
    if (request === undefined) return;
    this.#inFlight.delete(task);
    this.#endedAt = this.#run.now;
    this.#latencyMs = outcome.latencyMs;
    // It is asked again at once, unless it is paused.
    this.#heldUntil = Number.NEGATIVE_INFINITY;
    this.#report(this.#call().recordOutcome(request, outcome, this.#moment));
  }

  learned(): LearnedResource {
    return this.#shared.controller.learned();
  }

  /** Sorts the ready tasks again, because their order has changed. */
  reorder(compare: Compare): void {
    const ready = new Heap(compare);
    // The heap violates the new order, but popping still returns each task once.
    for (let task = this.ready.pop(); task !== undefined; task = this.ready.pop()) ready.push(task);
    this.ready = ready;
  }

  #report(change: StrategySwitch | undefined): void {
    if (change !== undefined) this.#run.report({ ...change, resource: this.#resource.name });
  }

  /** The controller, for a call by this run. */
  #call(): Controller {
    this.#shared = this.#join(this.#shared);
    return this.#shared.controller;
  }

  /**
   * Joins the runs under way, and removes those that are over. A run may continue after it was over: several in a row
   * may be one to this strategy. It keeps its controller then, unless others have begun.
   */
  #join(own?: Shared): Shared {
    const { server, key, createController } = this.#resource;
    const byKey = SHARED.get(server) ?? new Map<string, WeakRef<Shared>>();
    SHARED.set(server, byKey);
    let shared = byKey.get(key)?.deref();
    for (const lane of shared?.lanes ?? []) {
      if (lane !== this && lane.#run.isOver) lane.#leave();
    }
    if (shared === undefined || shared.lanes.size === 0) {
      shared = own ?? { controller: createController(), lanes: new Set() };
      byKey.set(key, new WeakRef(shared));
    }
    shared.lanes.add(this);
    return shared;
  }

  /** Gives up its places, and its part in the controller until it is called again. */
  #leave(): void {
    const { controller, lanes } = this.#shared;
    lanes.delete(this);
    for (const request of this.#inFlight.values()) controller.discard(request);
    this.#inFlight.clear();
  }

  /** Now, with the tasks that wait in all runs. */
  get #moment(): Moment {
    let ready = 0;
    let waiting = 0;
    for (const lane of this.#shared.lanes) {
      ready += lane.ready.size;
      waiting += lane.#run.remaining - lane.#run.running;
    }
    return { now: this.#run.now, ready, waiting };
  }

  /** The places that the run has or wants. Its own limits, or a pause, may keep it from wanting more. */
  #demand(now: number): number {
    return this.#inFlight.size + (now <= this.#heldUntil ? this.ready.size : 0);
  }
}
