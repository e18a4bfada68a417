import type { OutputPart } from '../contract/output-part.js';
import type { TaskOutput } from '../contract/runner.js';
import type { Task } from '../contract/task.js';

/** An attempt that has been sent to a simulated server. */
export interface SimulatedRequest {
  readonly task: Task;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** The resource that it competes for; see `TaskView.resource`. */
  readonly resource: string;
}

/** The end of an attempt, with an output or an error. */
export interface SimulatedEnd extends Partial<TaskOutput> {
  /** The request that was passed to `start`. */
  readonly request: SimulatedRequest;
  /** If present, even as undefined, the attempt fails with this error. */
  readonly error?: unknown | undefined;
}

/** A part of the output of an attempt that is still in flight. */
export interface SimulatedPart {
  /** The request that was passed to `start`. */
  readonly request: SimulatedRequest;
  readonly part: OutputPart;
}

/**
 * Receives the attempts of a simulation. The duration of an attempt need not be known when it starts:
 * it may depend on other attempts in flight. Each call passes the virtual time; the same calls must
 * give the same results.
 *
 * @example
 * // Processes one request at a time, each in one second.
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
  /** The attempt has been aborted: it exceeded its timeout, or the run stopped. */
  abort(request: SimulatedRequest, now: number): void;
  /** When `advance` is to be called next; `Infinity` for never. */
  readonly nextAt: number;
  /**
   * Called at `nextAt`, repeatedly while that is due. Ends one attempt, reports a part of its output, or
   * only changes internal state. `nextAt` must eventually advance.
   */
  advance(now: number): SimulatedEnd | SimulatedPart | undefined;
}
