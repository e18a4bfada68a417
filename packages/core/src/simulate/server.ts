import type { OutputPart } from '../contract/output-part.js';
import type { TaskOutput } from '../contract/runner.js';
import type { Task } from '../contract/task.js';

/** An attempt that has been sent to a simulated server. */
export interface SimulatedRequest {
  readonly task: Task;
  /** 1 for the first try. */
  readonly attempt: number;
  /** What it competes for; see `TaskView.resource`. */
  readonly resource: string;
}

/** How an attempt ended: with an output, or with an error. */
export interface SimulatedEnd extends Partial<TaskOutput> {
  /** The attempt, as it was given to `start`. */
  readonly request: SimulatedRequest;
  /** When given, even as undefined, the attempt fails with it. */
  readonly error?: unknown;
}

/** A part of the output of an attempt that goes on. */
export interface SimulatedPart {
  /** The attempt, as it was given to `start`. */
  readonly request: SimulatedRequest;
  readonly part: OutputPart;
}

/**
 * What attempts are sent to in a simulation. It need not know how long one takes when it starts:
 * that may depend on what else is in flight, and change as others start and end. Times are virtual
 * and come with each call; the same calls must lead to the same answers.
 *
 * @example
 * // Takes one request at a time, a second each.
 * function oneByOne(): SimulatedServer {
 *   const queue: SimulatedRequest[] = [];
 *   let endsAt = Infinity;
 *   const work = (now: number) => {
 *     endsAt = queue.length > 0 ? now + 1_000 : Infinity;
 *   };
 *   return {
 *     get nextAt() {
 *       return endsAt;
 *     },
 *     start(request, now) {
 *       if (queue.push(request) === 1) work(now);
 *     },
 *     abort(request, now) {
 *       const position = queue.indexOf(request);
 *       queue.splice(position, 1);
 *       if (position === 0) work(now);
 *     },
 *     advance(now) {
 *       const request = queue.shift();
 *       work(now);
 *       return request && { request, output: 'done' };
 *     },
 *   };
 * }
 */
export interface SimulatedServer {
  /** An attempt starts. */
  start(request: SimulatedRequest, now: number): void;
  /** Nobody waits for this attempt any more: its time is up, or the run stops. */
  abort(request: SimulatedRequest, now: number): void;
  /** When `advance` is to be called next, as things stand; `Infinity` for never. */
  readonly nextAt: number;
  /**
   * Called at `nextAt`, as often as that is due: ends one attempt, reports a part of its output, or
   * changes how things stand. None of them may leave `nextAt` where it is for good.
   */
  advance(now: number): SimulatedEnd | SimulatedPart | undefined;
}
