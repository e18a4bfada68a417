import type { Task } from '../contract/task.js';
import { validateOutput } from '../contract/validate-output.js';
import type { Graph } from '../graph/graph.js';
import type { Command } from '../kernel/command.js';
import type { Kernel } from '../kernel/kernel.js';
import { isThenable } from '../util/promise.js';
import { Attempt, type AttemptHost } from './attempt.js';
import type { Input } from './input.js';
import type { Asker } from './invoke-runner.js';

/** The attempts of a run in flight: starts and aborts them, and says what came of each. */
export class InFlight {
  readonly #graph: Graph;
  readonly #kernel: Kernel;
  readonly #asker: Asker;
  readonly #host: AttemptHost;
  readonly #take: (end: Input) => void;
  /**
   * By the index of the task. A `Map` whose keys come and go is made anew by the engine every few
   * tasks, which took a tenth of a chain.
   */
  readonly #active: (Attempt | undefined)[];

  /**
   * @param host What attempts can do to their run.
   * @param take Is given the end of each, unless it was aborted before.
   */
  constructor(kernel: Kernel, asker: Asker, host: AttemptHost, take: (end: Input) => void) {
    this.#graph = kernel.graph;
    this.#kernel = kernel;
    this.#asker = asker;
    this.#host = host;
    this.#take = take;
    this.#active = new Array(kernel.graph.size).fill(undefined);
  }

  launch(command: Extract<Command, { type: 'start' }>): void {
    const { index } = command;
    const task = this.#graph.tasks[index] as Task;
    const attempt = new Attempt(task.id, command, this.#host);
    this.#enter(attempt);
    try {
      const inputs = this.#kernel.inputsOf(index);
      if (task.run === undefined) {
        this.#asker.ask(task, inputs, attempt).then(
          (result) => this.#onEnd(attempt, { type: 'completed', attempt, result }),
          (thrown) => this.#onEnd(attempt, { type: 'failed', attempt, thrown }),
        );
        return;
      }
      const value = task.run(inputs, attempt);
      const { outputSchema } = task;
      if (isThenable(value) || outputSchema !== undefined) {
        const given = Promise.resolve(value);
        const checked =
          outputSchema === undefined
            ? given
            : given.then((output) => validateOutput(outputSchema, output));
        checked.then(
          (output) => this.#onEnd(attempt, { type: 'completed', attempt, result: { output } }),
          (thrown) => this.#onEnd(attempt, { type: 'failed', attempt, thrown }),
        );
      } else this.#onEnd(attempt, { type: 'completed', attempt, result: { output: value } });
    } catch (thrown) {
      this.#onEnd(attempt, { type: 'failed', attempt, thrown });
    }
  }

  /**
   * Whether it is this attempt that the kernel waits for. What it gave up is aborted only once that
   * is durable, and until then may report, or end, as if it were the next attempt at the task.
   */
  has(attempt: Attempt): boolean {
    const { index } = attempt;
    const { state } = this.#kernel;
    return (
      this.#active[index] === attempt &&
      state.attemptsOf(index) === attempt.attempt &&
      state.statusOf(index) === 'running'
    );
  }

  /** Whether this attempt was still in flight; the end of one that was given up comes too late. */
  leave(attempt: Attempt): boolean {
    if (!this.has(attempt)) return false;
    this.#active[attempt.index] = undefined;
    return true;
  }

  abort(index: number, reason: unknown): void {
    const attempt = this.#active[index];
    if (attempt === undefined) return;
    this.#active[index] = undefined;
    attempt.abort(reason);
  }

  abortAll(reason: unknown): void {
    for (const index of this.#active.keys()) this.abort(index, reason);
  }

  #enter(attempt: Attempt): void {
    // The plan may have grown.
    while (this.#active.length <= attempt.index) this.#active.push(undefined);
    this.#active[attempt.index] = attempt;
  }

  #onEnd(attempt: Attempt, end: Input): void {
    if (attempt.over) return;
    attempt.over = true;
    this.#take(end);
  }
}

/**
 * Leaves out attempts that are to be aborted when they are only about to start: what a journal took
 * its time to write was decided one after the other.
 */
export function dropAborted(commands: Command[]): void {
  const aborted = new Map<number, number>();
  let lastRound = -1;
  for (const [position, command] of commands.entries()) {
    if (command.type === 'abort') aborted.set(command.index, position);
    if (command.type === 'abort_replan') lastRound = position;
  }
  if (aborted.size === 0 && lastRound < 0) return;
  const left = commands.filter((command, position) => {
    if (command.type === 'start') return position > (aborted.get(command.index) ?? -1);
    return command.type !== 'replan' || position > lastRound;
  });
  commands.splice(0, commands.length, ...left);
}
