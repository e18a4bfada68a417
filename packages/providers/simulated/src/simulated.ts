import type { TaskOutput, TaskRequest, TaskRunner } from '@stratagem/core';
import {
  asksForText,
  attachmentSupport,
  RunnerError,
  streamsIn,
  TASK_OPTIONS,
  withoutDelivery,
} from '@stratagem/core/runner';
import { allowedTools, attachedText, limited, promptOf } from './call-options.js';
import { Limits } from './limits.js';
import { type SimulatedOptions, simulatedSettings } from './options.js';
import { planFor, planningOf } from './plan.js';
import { PromptCache } from './prompt-cache.js';
import { lognormal, randomFrom } from './random.js';
import { sampleOf } from './sample.js';
import { sampleText } from './sample-text.js';
import { serverToolResults } from './server-tools.js';
import { callsOf, resultsOf } from './tools.js';
import { addRequestUsage, type RequestUsage, usageOf } from './usage.js';
import { orAborted, throwIfAborted, until } from './wait.js';

/**
 * A simulated model without a network, with configurable latency, failures and rate limits. The same
 * seed gives the same behaviour, in any order of tasks. It calls each tool of a task once before it
 * responds.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const runner = simulated({ latencyMs: 50, failureRate: 0.1, seed: 7 });
 */
export function simulated(options: SimulatedOptions = {}): TaskRunner {
  const { seed, latencyMs, failureRate, failureCode, stream, respond, model, ...settings } =
    simulatedSettings(options);
  const { pricePerMillionTokens: price } = settings;
  const limits = new Limits(settings.requestsPerMinute, settings.maxConcurrent);
  const cache = settings.promptCache && new PromptCache(settings.promptCache);

  return {
    name: 'simulated',
    resource: `simulated/${model}`,
    settings: { model, seed },
    supportsTools: true,
    // A function may read anything.
    ...(respond !== undefined && { readsInputs: true }),
    supportedOptions: [...TASK_OPTIONS, ...attachmentSupport(['*/*'])],
    async run(request, { attempt, signal, emit, wantsText }): Promise<TaskOutput> {
      throwIfAborted(signal);
      const { options } = request;
      const answering = options?.model ?? model;
      // Each purpose has its own sequence, so that options do not affect each other.
      const attached = attachedText(request.attachments);
      const words = [
        ...(options === undefined ? [] : [JSON.stringify(withoutDelivery(options))]),
        ...(attached === undefined ? [] : [attached]),
      ];
      const draw = (purpose: string) =>
        randomFrom(seed, request.taskId, attempt, purpose, ...(purpose === 'answer' ? words : []));
      const latency =
        typeof latencyMs === 'number'
          ? latencyMs
          : lognormal(draw('latency'), latencyMs.medianMs, latencyMs.sigma);
      let startedAt = performance.now();
      const admission = limits.enter(startedAt, latency);
      try {
        if (draw('failure')() < failureRate) {
          await until(startedAt + latency, signal);
          throw new RunnerError(failureCode, 'the simulated model failed because of failureRate');
        }
        let spent: RequestUsage | undefined;
        let prompt = promptOf(request);
        let cached = cache?.read(prompt, startedAt);
        const tools = allowedTools(request);
        if (tools.length > 0) {
          await until(startedAt + latency, signal);
          cache?.write(prompt, performance.now());
          const calls = callsOf(tools, draw('tools'));
          const written = JSON.stringify(calls.map(({ input }) => input));
          spent = usageOf(prompt, written, cached, price);
          await emit({ kind: 'step', step: 1, usage: spent.usage, model: answering });
          prompt += `\n${written}\n${await resultsOf(calls, signal)}`;
          startedAt = performance.now();
          cached = cache?.read(prompt, startedAt);
        }
        const output = limited(
          respond === undefined
            ? sampleOutput(request, draw('answer'))
            : await orAborted(respond(request), signal),
          options,
        );
        const isStreamed =
          options?.stream === undefined ? stream : streamsIn(options, { wantsText });
        const pieces = isStreamed && typeof output === 'string' ? piecesOf(output) : [];
        for (const [index, piece] of pieces.entries()) {
          await until(startedAt + (latency * (index + 1)) / pieces.length, signal);
          if (index === 0) cache?.write(prompt, performance.now());
          await emit(piece);
        }
        if (pieces.length === 0) {
          await until(startedAt + latency, signal);
          cache?.write(prompt, performance.now());
        }
        const answered = usageOf(prompt, output, cached, price);
        if (spent !== undefined) {
          await emit({ kind: 'step', step: 2, usage: answered.usage, model: answering });
        }
        const used = addRequestUsage(spent, answered);
        return { output, model: answering, ...used, ...serverToolResults(request) };
      } finally {
        limits.leave(admission);
      }
    },
  };
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
