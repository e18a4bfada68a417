import { describe, OptionError, StratagemError, show } from '../contract/errors.js';
import type { TaskWaiting } from '../contract/event.js';
import type { OpenQuestion } from '../contract/open-question.js';
import { formatIssues } from '../contract/schema.js';
import type { Task } from '../contract/task.js';
import { validateWith } from '../contract/validate-with.js';
import { type KeepOptions, keep } from '../contract/value.js';
import { waitOf } from '../contract/wait-for.js';
import type { WriteAheadLog } from '../journal/write-ahead-log.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Acknowledgements } from './acknowledgements.js';
import type { Acknowledged, Input } from './input.js';

/**
 * Checks the answers of humans and passes them to the run. An answer is acknowledged once the run has
 * taken it and, with a journal, once it is durable.
 */
export class HumanAnswers {
  readonly #kernel: Kernel;
  readonly #ahead: WriteAheadLog | undefined;
  readonly #take: (input: Input) => void;
  readonly #limits: KeepOptions;
  /** Human steps whose answer may still be on its way to the kernel. */
  readonly #answered = new Set<number>();
  readonly #acknowledgements: Acknowledgements;

  constructor(
    kernel: Kernel,
    ahead: WriteAheadLog | undefined,
    acknowledgements: Acknowledgements,
    take: (input: Input) => void,
    limits: KeepOptions,
  ) {
    this.#limits = limits;
    this.#kernel = kernel;
    this.#ahead = ahead;
    this.#acknowledgements = acknowledgements;
    this.#take = take;
  }

  async answer(taskId: string, answer: unknown): Promise<void> {
    const index = this.#waitingTask(taskId);
    const { waitFor, outputSchema } = this.#task(index);
    const isApproval = waitFor !== undefined && waitOf(waitFor).kind === 'approval';
    if (isApproval && typeof answer !== 'boolean') {
      const message = `task "${taskId}" waits for an approval: the answer must be true or false`;
      throw new OptionError(`answer(): ${message}`);
    }
    let value = answer;
    if (outputSchema !== undefined) {
      const result = await validateWith(outputSchema, answer);
      if (result.issues !== undefined) {
        const issues = formatIssues(result.issues);
        throw new OptionError(`answer(): the answer to task "${taskId}" is invalid: ${issues}`);
      }
      value = result.value;
    }
    value = this.#kept(taskId, value);
    this.#waitingTask(taskId); // The validation may have been asynchronous.
    if (this.#ahead !== undefined) this.#requireStorable(index, value);
    this.#answered.add(index);
    await this.#acknowledgements.request((acknowledge) => {
      this.#take({ type: 'answered', index, answer: value, acknowledge });
    });
  }

  async reject(taskId: string, reason?: unknown): Promise<void> {
    const index = this.#waitingTask(taskId);
    this.#answered.add(index);
    await this.#acknowledgements.request((acknowledge) => {
      this.#take({ type: 'rejected', index, reason, acknowledge });
    });
  }

  /** The human steps that wait, as far as the journal has them. */
  openQuestions(): OpenQuestion[] {
    const { state, log, ended } = this.#kernel;
    if (ended) return [];
    const durable = this.#ahead?.durable ?? log.length;
    const open = [...state.questions.values()].filter(({ position }) => position < durable);
    return open.map(({ position }) => {
      const asked = log.objectAt(position) as TaskWaiting;
      const { taskId, question, kind, timestamp, timeoutMs } = asked;
      const limit = timeoutMs === undefined ? {} : { timeoutMs };
      return { taskId, question, kind, since: timestamp, ...limit };
    });
  }

  /** An answer was applied, or came too late. */
  settle(input: Acknowledged & { readonly index: number }, isTaken: boolean): void {
    const refusal = isTaken ? undefined : notWaiting(this.#task(input.index).id, NOT_WAITING);
    this.#acknowledgements.settle(input, refusal);
  }

  /** The index of a waiting human step. */
  #waitingTask(taskId: string): number {
    if (typeof taskId !== 'string') {
      throw new OptionError(`the id of a task must be a string; it is ${show(taskId)}`);
    }
    const index = this.#kernel.graph.indexOf(taskId);
    const isWaiting = index !== undefined && this.#kernel.isWaiting(index);
    if (isWaiting && !this.#answered.has(index)) return index;
    throw notWaiting(taskId, index === undefined ? 'there is no such task' : NOT_WAITING);
  }

  #kept(taskId: string, answer: unknown): unknown {
    try {
      return keep(answer, this.#limits);
    } catch (thrown) {
      const reason = `it has ${describe(thrown)}`;
      throw new OptionError(`answer(): the answer to task "${taskId}" is invalid: ${reason}`);
    }
  }

  #requireStorable(index: number, answer: unknown): void {
    try {
      this.#ahead?.prepare(index, this.#task(index), answer);
    } catch (thrown) {
      const reason = describe(thrown).replace('its output', 'it');
      throw new OptionError(
        `answer(): the answer to task "${this.#task(index).id}" is invalid: ${reason}`,
      );
    }
  }

  #task(index: number): Task {
    return this.#kernel.graph.tasks[index] as Task;
  }
}

const NOT_WAITING = 'it is not waiting for an answer';

function notWaiting(taskId: string, reason: string): StratagemError {
  return new StratagemError('not_waiting', `Task "${taskId}" cannot be answered: ${reason}`);
}
