import type { Outcome, OutputPart, RunView, Scheduler, TaskView, Wait } from '@stratagem/core';
import type { Learned } from '../estimate/learned.js';
import { Controller, type ControllerOptions } from './controller.js';
import { Lane } from './lane.js';
import { PriorityOrder } from './priority.js';

/**
 * Schedules with one controller per resource. Among the tasks that may start now, the one with the
 * highest priority starts first.
 */
export class AdaptiveScheduler implements Scheduler {
  readonly #run: RunView;
  readonly #options: ControllerOptions;
  readonly #known: Learned | undefined;
  readonly #order: PriorityOrder;
  readonly #lanes = new Map<string, Lane>();

  constructor(run: RunView, options: ControllerOptions, known: Learned | undefined) {
    this.#run = run;
    this.#options = options;
    this.#known = known;
    this.#order = new PriorityOrder(run, known?.durationsMs);
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
    this.#laneOf(task).recordOutput(task, part);
  }

  settled(task: TaskView, outcome: Outcome): void {
    this.#laneOf(task).recordOutcome(task, outcome);
    if (!outcome.ok || !this.#order.recordAnswer(task, outcome.latencyMs)) return;
    for (const lane of this.#lanes.values()) lane.reorder(this.#order.compare);
  }

  learned(): Learned {
    const resources = [...this.#lanes].map(([name, lane]) => [name, lane.learned()]);
    return {
      version: 1,
      durationsMs: { ...this.#known?.durationsMs, ...this.#order.learned() },
      resources: { ...this.#known?.resources, ...Object.fromEntries(resources) },
    };
  }

  #laneOf(task: TaskView): Lane {
    const { resource: name } = task;
    const existing = this.#lanes.get(name);
    if (existing !== undefined) return existing;
    const { maxParallel, adaptiveThreshold } = this.#options;
    const resource = {
      name,
      server: this.#run.serverOf(task),
      key: JSON.stringify([name, maxParallel, adaptiveThreshold]),
      createController: () =>
        new Controller(this.#options, this.#known?.resources[name], this.#run.now),
    };
    const lane = new Lane(this.#run, resource, this.#order.compare);
    this.#lanes.set(name, lane);
    return lane;
  }
}
