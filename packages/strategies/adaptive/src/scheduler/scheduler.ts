import type { Outcome, OutputPart, RunView, Scheduler, TaskView, Wait } from '@stratagem/core';
import { Heap } from '@stratagem/core/strategy';
import { Durations } from '../estimate/durations.js';
import type { Learned } from '../estimate/learned.js';
import { Controller, type ControllerOptions } from './controller.js';
import { Lane, SharedResource } from './lane.js';
import { PriorityOrder } from './priority.js';
import { sharedResource } from './shared-resource.js';

/**
 * Schedules with one controller per resource. Among the tasks that may start now, the one with the
 * highest priority starts first.
 */
export class AdaptiveScheduler implements Scheduler {
  readonly #run: RunView;
  readonly #options: ControllerOptions;
  readonly #known: Learned | undefined;
  readonly #durations: Durations;
  readonly #order: PriorityOrder;
  readonly #lanes = new Map<string, Lane>();

  constructor(run: RunView, options: ControllerOptions, known: Learned | undefined) {
    this.#run = run;
    this.#options = options;
    this.#known = known;
    this.#durations = new Durations(known?.durationsMs);
    this.#order = new PriorityOrder(run, this.#durations);
    this.#order.refresh();
  }

  ready(task: TaskView): void {
    this.#laneOf(task).ready.push(task);
  }

  next(now: number): TaskView | Wait | undefined {
    let chosen: Lane | undefined;
    let first: TaskView | undefined;
    let until = Number.POSITIVE_INFINITY;
    for (const lane of this.#lanes.values()) {
      const task = lane.ready.peek();
      if (task === undefined || this.#run.isFull(task.resource)) continue;
      const at = lane.availableAt(task, now);
      if (at > now) until = Math.min(until, at);
      else if (first === undefined || this.#order.compare(task, first) < 0) {
        first = task;
        chosen = lane;
      }
    }
    if (chosen === undefined) return until === Number.POSITIVE_INFINITY ? undefined : { until };
    const task = chosen.ready.pop() as TaskView;
    chosen.recordStart(task, now);
    return task;
  }

  output(task: TaskView, part: OutputPart): void {
    const lane = this.#laneOf(task);
    lane.call().recordOutput(task, part, lane.queue, this.#run.now);
  }

  settled(task: TaskView, outcome: Outcome): void {
    const lane = this.#laneOf(task);
    lane.recordEnd(outcome.latencyMs);
    lane.call().recordOutcome(task, outcome, lane.queue, this.#run.now);
    if (!outcome.ok) return;
    this.#durations.record(task.type, Math.max(1, outcome.latencyMs));
    if (this.#order.recordAnswer()) this.#reorder();
  }

  /** Data for the next run. */
  learned(): Learned {
    const resources = [...this.#lanes].map(([name, lane]) => [name, lane.learned()]);
    return {
      version: 1,
      durationsMs: { ...this.#known?.durationsMs, ...this.#durations.toJSON() },
      resources: { ...this.#known?.resources, ...Object.fromEntries(resources) },
    };
  }

  #laneOf(task: TaskView): Lane {
    const { resource: name } = task;
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      const { maxParallel, adaptiveThreshold } = this.#options;
      const key = JSON.stringify([name, maxParallel, adaptiveThreshold]);
      const server = this.#run.serverOf(task);
      const known = this.#known?.resources[name];
      const create = () =>
        new SharedResource((report) => new Controller(this.#options, known, report));
      lane = new Lane(
        this.#run,
        (own) => sharedResource(server, key, () => own ?? create()),
        this.#order.compare,
        (change) => this.#run.report({ ...change, resource: name }),
      );
      this.#lanes.set(name, lane);
    }
    return lane;
  }

  #reorder(): void {
    for (const lane of this.#lanes.values()) {
      const ready = new Heap(this.#order.compare);
      // The old heap violates the new order, but popping still returns each task once.
      for (let task = lane.ready.pop(); task !== undefined; task = lane.ready.pop()) {
        ready.push(task);
      }
      lane.ready = ready;
    }
  }
}
