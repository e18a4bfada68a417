import {
  deriveContext,
  type OutputPart,
  type RequestTool,
  type RunContext,
  RunnerError,
  type TaskOutput,
  type TaskRequest,
  type TaskRunner,
} from '@stratagem/core';
import { answerOf } from '../util/checked-run.js';
import { detailsOf, errorOf, type Failure, triesOf } from './combined-error.js';
import { labelOf } from './composite.js';
import { totalOf } from './usage-total.js';

/** One of the requests that are sent for the same attempt. */
interface Entrant {
  readonly label: string;
  readonly control: AbortController;
  /** Never rejects. */
  finish: Promise<Finish>;
  /** How it ended, once it has. */
  result: Finish | undefined;
}

type Finish = { readonly output: TaskOutput } | { readonly thrown: unknown };

/**
 * Sends the same request more than once, and lets one win: the first that shows anything of an
 * answer, be it a piece of text, the call of a tool, or the answer itself. The others are stopped at
 * that moment, and nothing they do is seen from then on: so texts never mix, no tool is called
 * twice, and no more tokens are spent than were on the way.
 */
export class Race {
  /** Resolves when one has won. */
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
   * @param attemptsLeft How many tries it may take.
   * @returns What resolves when it has ended, in whichever way.
   */
  start(runner: TaskRunner, attemptsLeft: number): Promise<unknown> {
    const finish = Promise.resolve<Finish>({ thrown: undefined });
    const control = new AbortController();
    const entrant: Entrant = { label: labelOf(runner), control, finish, result: undefined };
    this.#entrants.push(entrant);
    entrant.finish = this.#run(entrant, runner, attemptsLeft);
    return entrant.finish;
  }

  /** The answer of the winner; an error when that fails, or all do. */
  async outcome(): Promise<TaskOutput> {
    await Promise.race([this.decided, Promise.all(this.#entrants.map(({ finish }) => finish))]);
    const winner = this.#winner;
    const finish = await winner?.finish;
    await this.#stragglers();
    if (finish === undefined || !('output' in finish)) throw this.#error(winner);
    if (this.#entrants.length === 1) return finish.output;
    const { usage: _, costUsd: __, ...answer } = finish.output;
    return { ...answer, ...totalOf(this.#entrants.map(spentBy)) };
  }

  async #run(entrant: Entrant, runner: TaskRunner, attemptsLeft: number): Promise<Finish> {
    try {
      const context = this.#contextOf(entrant, attemptsLeft);
      const output = await answerOf(runner, this.#requestOf(entrant), context);
      entrant.result = { output };
      this.#claim(entrant);
    } catch (thrown) {
      entrant.result = { thrown };
    }
    return entrant.result;
  }

  /** @returns Whether it is this one that wins, or has won. */
  #claim(entrant: Entrant): boolean {
    if (this.#winner !== undefined) return this.#winner === entrant;
    this.#winner = entrant;
    this.#decide();
    const position = this.#entrants.indexOf(entrant);
    for (const other of this.#entrants) if (other !== entrant) other.control.abort(quicker());
    if (this.#entrants.length > 1) {
      const which = ['first', 'second'][position];
      const message = `the ${which} request, to "${entrant.label}", was quicker`;
      this.#context.emit({ kind: 'notice', source: 'hedge', message });
    }
    return true;
  }

  #contextOf(entrant: Entrant, attemptsLeft: number): RunContext {
    const signal = AbortSignal.any([this.#context.signal, entrant.control.signal]);
    const emit = (part: string | OutputPart) => this.#emit(entrant, part);
    const position = this.#entrants.indexOf(entrant);
    const { idempotencyKey: key } = this.#context;
    // With the key of the first, a server would give the second the same answer, or none.
    const idempotencyKey = position === 0 ? key : `${key}/${position + 1}`;
    const changes = { attemptsLeft, idempotencyKey, signal, emit };
    const context = deriveContext(this.#context, changes);
    const addTasks: RunContext['addTasks'] = (tasks) => {
      if (!this.#claim(entrant)) throw quicker();
      this.#context.addTasks(tasks);
    };
    return Object.defineProperty(context, 'addTasks', { value: addTasks });
  }

  #emit(entrant: Entrant, part: string | OutputPart): Promise<void> | undefined {
    if (entrant.result !== undefined) return undefined;
    const isSign = typeof part === 'string' ? part !== '' : part.kind !== 'notice';
    // Notices are no answer; both may say what they do while there is none.
    const isHeard = isSign ? this.#claim(entrant) : (this.#winner ?? entrant) === entrant;
    return isHeard ? this.#context.emit(part) : undefined;
  }

  /** Tools may do something: only the winner's calls are made. */
  #requestOf(entrant: Entrant): TaskRequest {
    const { tools } = this.#request;
    if (tools === undefined) return this.#request;
    const guarded = tools.map((tool) => ({
      ...tool,
      call: async (...given: Parameters<RequestTool['call']>) => {
        if (!this.#claim(entrant)) throw quicker();
        return tool.call(...given);
      },
    }));
    return { ...this.#request, tools: guarded };
  }

  /** Those who were stopped a moment ago get a turn to say what they used. */
  async #stragglers(): Promise<void> {
    const running = this.#entrants.filter(({ result }) => result === undefined);
    if (running.length === 0) return;
    const turn = new Promise((resolve) => setImmediate(resolve));
    await Promise.race([turn, Promise.all(running.map(({ finish }) => finish))]);
  }

  /** What the first request fails with is what would have come without the others. */
  #error(winner: Entrant | undefined): unknown {
    const failures = this.#entrants.map(failureOf);
    const decisive = failures[winner === undefined ? 0 : this.#entrants.indexOf(winner)] as Failure;
    return errorOf(failures, decisive, detailsOf(decisive.thrown).retryAfterMs);
  }
}

function quicker(): RunnerError {
  return new RunnerError('aborted', 'another request for the same attempt was quicker');
}

function spentBy({ result }: Entrant) {
  if (result === undefined) return {};
  return 'output' in result ? result.output : detailsOf(result.thrown);
}

function failureOf(entrant: Entrant): Failure {
  const { label: runner, result } = entrant;
  if (result !== undefined && 'thrown' in result) {
    const { thrown } = result;
    return { runner, thrown, tries: triesOf(thrown) };
  }
  const thrown = Object.assign(quicker(), totalOf([spentBy(entrant)]));
  return { runner, thrown, tries: 1 };
}
