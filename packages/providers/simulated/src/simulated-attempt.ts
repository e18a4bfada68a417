import type { RunContext, TaskOutput, TaskRequest } from '@stratagem/core';
import { asksForText, RunnerError, streamsIn, withoutDelivery } from '@stratagem/core/runner';
import { allowedTools, attachedText, limited, promptOf } from './call-options.js';
import type { Limits } from './limits.js';
import type { Settings } from './options.js';
import { planFor, planningOf } from './plan.js';
import type { PromptCache } from './prompt-cache.js';
import { lognormal, randomFrom } from './random.js';
import { sampleOf } from './sample.js';
import { sampleText } from './sample-text.js';
import { serverToolResults } from './server-tools.js';
import { callsOf, resultsOf } from './tools.js';
import { addRequestUsage, type RequestUsage, usageOf } from './usage.js';
import { orAborted, throwIfAborted, until } from './wait.js';

/** What all attempts share. */
export interface SimulatedServer {
  readonly settings: Settings;
  readonly limits: Limits;
  readonly cache: PromptCache | undefined;
}

/** One attempt: a request, and another one with the results of the tools that it called. */
export class SimulatedAttempt {
  readonly #server: SimulatedServer;
  readonly #request: TaskRequest;
  readonly #context: RunContext;
  readonly #model: string;
  readonly #latency: number;
  /** When the current request began. */
  #startedAt = performance.now();
  #prompt: string;

  constructor(server: SimulatedServer, request: TaskRequest, context: RunContext) {
    this.#server = server;
    this.#request = request;
    this.#context = context;
    const { model, latencyMs } = server.settings;
    this.#model = request.options?.model ?? model;
    this.#latency =
      typeof latencyMs === 'number'
        ? latencyMs
        : lognormal(this.#draw('latency'), latencyMs.medianMs, latencyMs.sigma);
    this.#prompt = promptOf(request);
  }

  async run(): Promise<TaskOutput> {
    const { limits, settings, cache } = this.#server;
    throwIfAborted(this.#context.signal);
    const admission = limits.enter(this.#startedAt, this.#latency);
    try {
      await this.#failAtRate();
      const spent = await this.#callTools();
      const cached = cache?.read(this.#prompt, this.#startedAt);
      const output = await this.#answer();
      await this.#write(output);
      const price = settings.pricePerMillionTokens;
      const answered = usageOf(this.#prompt, output, cached, price);
      if (spent !== undefined) await this.#reportStep(2, answered);
      const used = addRequestUsage(spent, answered);
      return { output, model: this.#model, ...used, ...serverToolResults(this.#request) };
    } finally {
      limits.leave(admission);
    }
  }

  /** Random numbers. Each purpose has its own sequence, so that options do not affect each other. */
  #draw(purpose: 'latency' | 'failure' | 'tools' | 'answer'): () => number {
    const { taskId } = this.#request;
    const words = purpose === 'answer' ? wordsOf(this.#request) : [];
    return randomFrom(this.#server.settings.seed, taskId, this.#context.attempt, purpose, ...words);
  }

  async #failAtRate(): Promise<void> {
    const { failureRate, failureCode } = this.#server.settings;
    if (this.#draw('failure')() >= failureRate) return;
    await until(this.#startedAt + this.#latency, this.#context.signal);
    throw new RunnerError(failureCode, 'the simulated model failed because of failureRate');
  }

  /** Calls each tool once. Returns the usage of that request; undefined without tools. */
  async #callTools(): Promise<RequestUsage | undefined> {
    const tools = allowedTools(this.#request);
    if (tools.length === 0) return undefined;
    const { cache, settings } = this.#server;
    const { signal } = this.#context;
    const cached = cache?.read(this.#prompt, this.#startedAt);
    await until(this.#startedAt + this.#latency, signal);
    cache?.write(this.#prompt, performance.now());
    const calls = callsOf(tools, this.#draw('tools'));
    const written = JSON.stringify(calls.map(({ input }) => input));
    const used = usageOf(this.#prompt, written, cached, settings.pricePerMillionTokens);
    await this.#reportStep(1, used);
    this.#prompt += `\n${written}\n${await resultsOf(calls, signal)}`;
    this.#startedAt = performance.now();
    return used;
  }

  async #answer(): Promise<unknown> {
    const { respond } = this.#server.settings;
    const output =
      respond === undefined
        ? sampleOutput(this.#request, this.#draw('answer'))
        : await orAborted(respond(this.#request), this.#context.signal);
    return limited(output, this.#request.options);
  }

  /** Takes as long as the model, and emits the text in pieces where it is streamed. */
  async #write(output: unknown): Promise<void> {
    const { cache, settings } = this.#server;
    const { signal, emit, wantsText } = this.#context;
    const { options } = this.#request;
    const isStreamed =
      options?.stream === undefined ? settings.stream : streamsIn(options, { wantsText });
    const pieces = isStreamed && typeof output === 'string' ? piecesOf(output) : [];
    const count = Math.max(1, pieces.length);
    for (let position = 0; position < count; position++) {
      await until(this.#startedAt + (this.#latency * (position + 1)) / count, signal);
      if (position === 0) cache?.write(this.#prompt, performance.now());
      const piece = pieces[position];
      if (piece !== undefined) await emit(piece);
    }
  }

  async #reportStep(step: number, { usage }: RequestUsage): Promise<void> {
    await this.#context.emit({ kind: 'step', step, usage, model: this.#model });
  }
}

/** What an answer depends on besides its task: other options and attachments lead to another one. */
function wordsOf({ options, attachments }: TaskRequest): string[] {
  const settings = options && JSON.stringify(withoutDelivery(options));
  return [settings, attachedText(attachments)].filter((each) => each !== undefined);
}

function sampleOutput(request: TaskRequest, random: () => number): unknown {
  const { outputSchema } = request;
  if (outputSchema === undefined || asksForText(outputSchema)) return sampleText(request, random);
  const planning = planningOf(request);
  if (planning !== undefined) return planFor(planning);
  const { $schema: _, ...schema } = outputSchema;
  return sampleOf(schema, random);
}

/** Splits a text between words into at most eight pieces. */
function piecesOf(text: string): string[] {
  const words = text.match(/^\s+|\S+\s*/g) ?? [];
  const size = Math.ceil(words.length / 8);
  const pieces: string[] = [];
  for (let start = 0; start < words.length; start += size) {
    pieces.push(words.slice(start, start + size).join(''));
  }
  return pieces;
}
