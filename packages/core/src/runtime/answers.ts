import { describe, OptionError, StratagemError, show } from '../contract/errors.js';
import type { OpenQuestion } from '../contract/open-question.js';
import { formatIssues } from '../contract/schema.js';
import type { Task } from '../contract/task.js';
import type { ApprovalDecision } from '../contract/tool-approval.js';
import { validateWith } from '../contract/validate-with.js';
import { keep } from '../contract/value.js';
import { waitOf } from '../contract/wait-for.js';
import type { WriteAheadLog } from '../journal/write-ahead-log.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ToolApproval } from '../state/tool-approvals.js';
import type { Acknowledgements } from './acknowledgements.js';
import type { Acknowledged, Input } from './input.js';
import type { OutputLimits } from './kept-output.js';
import { openQuestionsIn } from './open-questions.js';

/**
 * Checks the answers of humans and passes them to the run. An answer is acknowledged once the run has
 * taken it and, with a journal, once it is durable.
 */
export class HumanAnswers {
  readonly #kernel: Kernel;
  readonly #ahead: WriteAheadLog | undefined;
  readonly #take: (input: Input) => void;
  readonly #limits: OutputLimits;
  /** Human steps whose answer may still be on its way to the kernel. */
  readonly #answered = new Set<number>();
  /** The same for calls of tools, by the position of the request in the log. */
  readonly #decidedCalls = new Set<number>();
  readonly #acknowledgements: Acknowledgements;

  constructor(
    kernel: Kernel,
    ahead: WriteAheadLog | undefined,
    acknowledgements: Acknowledgements,
    take: (input: Input) => void,
    limits: OutputLimits,
  ) {
    this.#limits = limits;
    this.#kernel = kernel;
    this.#ahead = ahead;
    this.#acknowledgements = acknowledgements;
    this.#take = take;
  }

  async answer(taskId: string, answer: unknown, callId?: string): Promise<void> {
    const call = this.#waitingCall(taskId, callId);
    if (call !== undefined) {
      if (typeof answer !== 'boolean') throw mustBeBoolean(taskId);
      await this.#decide(call, { approved: answer });
      return;
    }
    const index = this.#waitingTask(taskId);
    const { waitFor, outputSchema } = this.#task(index);
    const isApproval = waitFor !== undefined && waitOf(waitFor).kind === 'approval';
    if (isApproval && typeof answer !== 'boolean') throw mustBeBoolean(taskId);
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

  async reject(taskId: string, reason?: unknown, callId?: string): Promise<void> {
    const call = this.#waitingCall(taskId, callId);
    if (call !== undefined) {
      const message =
        reason === undefined
          ? undefined
          : (this.#limits.secretTexts?.text(describe(reason)) ?? describe(reason));
      await this.#decide(call, { approved: false, ...(message !== undefined && { message }) });
      return;
    }
    const index = this.#waitingTask(taskId);
    this.#answered.add(index);
    await this.#acknowledgements.request((acknowledge) => {
      this.#take({ type: 'rejected', index, reason, acknowledge });
    });
  }

  /** The human steps and the calls of tools that wait, as far as the journal has them. */
  openQuestions(): OpenQuestion[] {
    const { state, log, ended } = this.#kernel;
    return ended ? [] : openQuestionsIn(state, log, this.#ahead?.durable ?? log.length);
  }

  async #decide({ index, call }: WaitingCall, decision: ApprovalDecision): Promise<void> {
    const { key, position } = call;
    this.#decidedCalls.add(position);
    await this.#acknowledgements.request((acknowledge) => {
      this.#take({ type: 'decided', index, key, decision, acknowledge });
    });
  }

  /**
   * The call of a tool that waits at a task; undefined when none does.
   *
   * @throws {OptionError} when several wait and none is named.
   * @throws {StratagemError} `not_waiting` when the named one does not wait.
   */
  #waitingCall(taskId: string, callId: string | undefined): WaitingCall | undefined {
    requireId('task', taskId);
    if (callId !== undefined) requireId('call', callId);
    const index = this.#kernel.graph.indexOf(taskId);
    if (index === undefined) return undefined;
    const open = this.#kernel.state.approvals
      .openAt(index)
      .filter(({ position }) => !this.#decidedCalls.has(position));
    if (callId !== undefined) {
      // The latest: after a crash, the model may use an id for another call.
      const named = open.findLast((call) => call.callId === callId || call.key === callId);
      if (named !== undefined) return { index, call: named };
      throw notWaiting(taskId, `its call "${callId}" is not waiting for an approval`);
    }
    const [first, second] = open;
    if (first === undefined || second === undefined) return first && { index, call: first };
    const names = open.map((call) => `"${call.callId}" (${call.tool})`).join(', ');
    throw new OptionError(`several calls of task "${taskId}" wait: name one of ${names}`);
  }

  /** An answer was applied, or came too late. */
  settle(input: Acknowledged & { readonly index: number }, isTaken: boolean): void {
    const refusal = isTaken ? undefined : notWaiting(this.#task(input.index).id, NOT_WAITING);
    this.#acknowledgements.settle(input, refusal);
  }

  /** The index of a waiting human step. */
  #waitingTask(taskId: string): number {
    requireId('task', taskId);
    const index = this.#kernel.graph.indexOf(taskId);
    const isWaiting = index !== undefined && this.#kernel.isWaiting(index);
    if (isWaiting && !this.#answered.has(index)) return index;
    throw notWaiting(taskId, index === undefined ? 'there is no such task' : NOT_WAITING);
  }

  #kept(taskId: string, answer: unknown): unknown {
    try {
      return keep(this.#limits.secretTexts?.value(answer) ?? answer, this.#limits);
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

interface WaitingCall {
  readonly index: number;
  readonly call: ToolApproval;
}

function requireId(what: 'task' | 'call', id: unknown): void {
  if (typeof id === 'string') return;
  throw new OptionError(`the id of a ${what} must be a string; it is ${show(id)}`);
}

function mustBeBoolean(taskId: string): OptionError {
  const message = `task "${taskId}" waits for an approval: the answer must be true or false`;
  return new OptionError(`answer(): ${message}`);
}

const NOT_WAITING = 'it is not waiting for an answer';

function notWaiting(taskId: string, reason: string): StratagemError {
  return new StratagemError('not_waiting', `Task "${taskId}" cannot be answered: ${reason}`);
}
