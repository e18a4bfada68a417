import type { OutputPart, RunContext, TaskOutput, TaskRequest, TaskRunner } from '@stratagem/core';
import { deriveContext, type RequestTool, RunnerError } from '@stratagem/core/runner';
import { checkedRun } from '../util/checked-run.js';
import { detailsOf, triesOf } from '../util/error-details.js';
import { combinedError, type Failure } from './combined-error.js';
import { labelOf } from './composite.js';
import { totalUsage } from './usage-total.js';

/** One of the requests of the same attempt. */
interface Entrant {
  readonly label: string;
  readonly controller: AbortController;
  /** Never rejects. */
  finish: Promise<Finish>;
  /** The result, once the request has ended. */
  result: Finish | undefined;
}

type Finish = { readonly response: TaskOutput } | { readonly thrown: unknown };

/**
 * Sends the same request more than once. The first to respond wins: with a piece of text, a tool
 * call, or its complete output. The others are aborted at that moment, and whatever they do later is
 * ignored. So texts never mix, no tool is called twice, and no further tokens are spent.
 */
export class Race {
  /** Resolves when a request has won. */
  readonly decided: Promise<void>;
  readonly #request: TaskRequest;
  readonly #context: RunContext;
  readonly #entrants: Entrant[] = [];
  #decide!: () => void;
  #winner: Entrant | undefined;

  constructor(request: TaskRequest, context: RunContext) {
    this.#request = request;
    this.#context = context;
    this.decided = new Promise((resolve) => {
      this.#decide = resolve;
    });
  }

  /**
   * @param attemptsLeft How many tries the request may use.
   * @returns Resolves when the request has ended, whether it succeeded or failed.
   */
  start(runner: TaskRunner, attemptsLeft: number): Promise<unknown> {
    const finish = Promise.resolve<Finish>({ thrown: undefined });
    const controller = new AbortController();
    const entrant: Entrant = { label: labelOf(runner), controller, finish, result: undefined };
    this.#entrants.push(entrant);
    entrant.finish = this.#run(entrant, runner, attemptsLeft);
    return entrant.finish;
  }

  /**
   * The response of the winner.
   *
   * @throws {RunnerError} when the winner fails, or every request does.
   */
  async outcome(): Promise<TaskOutput> {
    await Promise.race([this.decided, Promise.all(this.#entrants.map(({ finish }) => finish))]);
    const winner = this.#winner;
    const finish = await winner?.finish;
    await this.#awaitLosers();
    if (finish === undefined || !('response' in finish)) throw this.#error(winner);
    if (this.#entrants.length === 1) return finish.response;
    const { usage: _, costUsd: __, ...response } = finish.response;
    return { ...response, ...totalUsage(this.#entrants.map(usageOf)) };
  }

  async #run(entrant: Entrant, runner: TaskRunner, attemptsLeft: number): Promise<Finish> {
    try {
      const context = this.#contextOf(entrant, attemptsLeft);
      const response = await checkedRun(runner, this.#requestOf(entrant), context);
      entrant.result = { response };
      this.#claim(entrant);
    } catch (thrown) {
      entrant.result = { thrown };
    }
    return entrant.result;
  }

  /** Lets the entrant win unless another one has won. Returns whether it is the winner. */
  #claim(entrant: Entrant): boolean {
    if (this.#winner !== undefined) return this.#winner === entrant;
    this.#winner = entrant;
    this.#decide();
    const position = this.#entrants.indexOf(entrant);
    for (const other of this.#entrants) if (other !== entrant) other.controller.abort(lostRace());
    if (this.#entrants.length > 1) {
      const which = ['first', 'second'][position];
      const message = `the ${which} request, to "${entrant.label}", responded first`;
      this.#context.emit({ kind: 'notice', source: 'hedge', message });
    }
    return true;
  }

  #contextOf(entrant: Entrant, attemptsLeft: number): RunContext {
    const signal = AbortSignal.any([this.#context.signal, entrant.controller.signal]);
    const emit = (part: string | OutputPart) => this.#emit(entrant, part);
    const position = this.#entrants.indexOf(entrant);
    const { idempotencyKey: key } = this.#context;
    // With the same key, the server might deduplicate the second request.
    const idempotencyKey = position === 0 ? key : `${key}/${position + 1}`;
    const changes = { attemptsLeft, idempotencyKey, signal, emit };
    const context = deriveContext(this.#context, changes);
    const addTasks: RunContext['addTasks'] = (tasks) => {
      if (!this.#claim(entrant)) throw lostRace();
      this.#context.addTasks(tasks);
    };
    return Object.defineProperty(context, 'addTasks', { value: addTasks });
  }

  #emit(entrant: Entrant, part: string | OutputPart): Promise<void> | undefined {
    if (entrant.result !== undefined) return undefined;
    const isResponse = typeof part === 'string' ? part !== '' : part.kind !== 'notice';
    // Until one has won, the notices of both are emitted; a notice is not a response.
    const isEmitted = isResponse ? this.#claim(entrant) : (this.#winner ?? entrant) === entrant;
    return isEmitted ? this.#context.emit(part) : undefined;
  }

  /** Tools may have side effects, so only the winner may call them. */
  #requestOf(entrant: Entrant): TaskRequest {
    const { tools } = this.#request;
    if (tools === undefined) return this.#request;
    const guarded = tools.map((tool) => ({
      ...tool,
      call: async (...given: Parameters<RequestTool['call']>) => {
        if (!this.#claim(entrant)) throw lostRace();
        return tool.call(...given);
      },
    }));
    return { ...this.#request, tools: guarded };
  }

  /** Gives requests that were just aborted one turn of the event loop to report their usage. */
  async #awaitLosers(): Promise<void> {
    const running = this.#entrants.filter(({ result }) => result === undefined);
    if (running.length === 0) return;
    // Browsers have no setImmediate().
    const later = globalThis.setImmediate ?? setTimeout;
    const turn = new Promise<void>((resolve) => later(() => resolve()));
    await Promise.race([turn, Promise.all(running.map(({ finish }) => finish))]);
  }

  /** Without a winner, the first request's error decides, as it would have without a second one. */
  #error(winner: Entrant | undefined): unknown {
    const failures = this.#entrants.map(failureOf);
    const decisive = failures[winner === undefined ? 0 : this.#entrants.indexOf(winner)] as Failure;
    return combinedError(failures, decisive, detailsOf(decisive.thrown).retryAfterMs);
  }
}

function lostRace(): RunnerError {
  return new RunnerError('aborted', 'another request of the same attempt responded first');
}

function usageOf({ result }: Entrant) {
  if (result === undefined) return {};
  return 'response' in result ? result.response : detailsOf(result.thrown);
}

function failureOf(entrant: Entrant): Failure {
  const { label: runner, result } = entrant;
  if (result !== undefined && 'thrown' in result) {
    const { thrown } = result;
    return { runner, thrown, tries: triesOf(thrown) };
  }
  const thrown = Object.assign(lostRace(), totalUsage([usageOf(entrant)]));
  return { runner, thrown, tries: 1 };
}
