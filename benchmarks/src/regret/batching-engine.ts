import type { Request, Response, Server, StreamChunk } from '@stratagem/simulation';
import { normal, randomFrom } from '../util/random.js';

export interface BatchingEngineOptions {
  /** The answers that it works on at once; others wait. */
  readonly sequences: number;
  /** The most tokens of a pass: one of each answer in progress, and those of new prompts. */
  readonly tokensPerPass: number;
  /** The time of a token of a prompt. */
  readonly promptTokenMs: number;
  /** The time of a token of an answer, by the number of answers that get one in the same pass. */
  readonly answerTokenMs: (answers: number) => number;
  /** The spread of the times of passes, as the standard deviation of their logarithm. */
  readonly sigma: number;
  readonly seed: number;
}

/** What is left of a request. */
interface Sequence {
  promptTokens: number;
  answerTokens: number;
  /** Tokens of the answer that have not been sent. */
  unsent: number;
}

/**
 * An inference engine with continuous batching, pass by pass. A pass takes one token of each answer in progress,
 * and prompts in the order of their arrival. So prompts delay the answers in progress, and a request that arrives
 * during a pass waits for the next one.
 */
export class BatchingEngine implements Server {
  readonly #options: BatchingEngineOptions;
  readonly #random: () => number;
  /** In the order of their arrival; the first ones have a sequence. */
  readonly #requests = new Map<Request, Sequence>();
  /** What the last pass has produced and nobody has taken. */
  #produced: (Response | StreamChunk)[] = [];
  #producedAt = 0;
  /** The end of the pass in progress; `Infinity` while idle. */
  #passEndsAt = Number.POSITIVE_INFINITY;
  /** The requests in it, each with the tokens of its prompt that it takes. */
  #pass: readonly (readonly [request: Request, promptTokens: number])[] = [];

  constructor(options: BatchingEngineOptions) {
    this.#options = options;
    this.#random = randomFrom(options.seed);
  }

  get nextAt(): number {
    return this.#produced.length > 0 ? this.#producedAt : this.#passEndsAt;
  }

  start(request: Request, now: number): void {
    const { inputTokens, outputTokens } = request;
    const promptTokens = Math.max(1, inputTokens);
    const answerTokens = Math.max(1, outputTokens);
    this.#requests.set(request, { promptTokens, answerTokens, unsent: 0 });
    if (this.#passEndsAt === Number.POSITIVE_INFINITY) this.#begin(now);
  }

  abort(request: Request): void {
    this.#requests.delete(request);
    this.#produced = this.#produced.filter((each) => each.request !== request);
  }

  advance(now: number): Response | StreamChunk | undefined {
    if (this.#produced.length === 0 && now >= this.#passEndsAt) {
      this.#end(now);
      this.#begin(now);
    }
    return this.#produced.shift();
  }

  #begin(now: number): void {
    const { sequences, tokensPerPass, promptTokenMs, answerTokenMs, sigma } = this.#options;
    const taken = [...this.#requests].slice(0, sequences);
    const answers = taken.filter(([, { promptTokens }]) => promptTokens === 0).length;
    let prompts = 0;
    this.#pass = taken.map(([request, each]) => {
      const promptTokens = Math.min(each.promptTokens, tokensPerPass - answers - prompts);
      prompts += promptTokens;
      return [request, promptTokens];
    });
    if (taken.length === 0) {
      this.#passEndsAt = Number.POSITIVE_INFINITY;
      return;
    }
    const answersMs = answers === 0 ? 0 : answers * answerTokenMs(answers);
    const deviation = Math.exp(sigma * normal(this.#random));
    this.#passEndsAt = now + (answersMs + prompts * promptTokenMs) * deviation;
  }

  /** The first token of an answer comes with the last one of its prompt. */
  #end(now: number): void {
    this.#producedAt = now;
    for (const [request, promptTokens] of this.#pass) {
      const sequence = this.#requests.get(request);
      if (sequence === undefined) continue;
      sequence.promptTokens -= promptTokens;
      if (sequence.promptTokens > 0) continue;
      sequence.answerTokens--;
      sequence.unsent++;
      if (sequence.answerTokens === 0) {
        this.#requests.delete(request);
        this.#produced.push({ request, error: undefined, rateLimits: undefined });
      } else if (sequence.unsent >= request.tokensPerChunk) {
        this.#produced.push({ request, tokens: sequence.unsent });
        sequence.unsent = 0;
      }
    }
  }
}
