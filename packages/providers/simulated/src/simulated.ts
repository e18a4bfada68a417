import { RunnerError, type TaskOutput, type TaskRequest, type TaskRunner } from '@stratagem/core';
import { asksForText } from '@stratagem/core/provider';
import { answerTo } from './answer.js';
import { Limits } from './limits.js';
import { type SimulatedOptions, settingsOf } from './options.js';
import { planFor, planningOf } from './plan.js';
import { PromptCache } from './prompt-cache.js';
import { lognormal, randomFrom } from './random.js';
import { sampleOf } from './sample.js';
import { callsOf, resultsOf } from './tools.js';
import { addSpending, type Spending, usageOf } from './usage.js';
import { orAborted, throwIfAborted, until } from './wait.js';

/**
 * A model without a network: answers after a while, fails and limits its rate as it is told, and
 * does the same again for the same seed, whatever the order in which tasks run. It calls each tool
 * of a task once before it answers.
 *
 * @throws {OptionError} when an option is unknown or out of range.
 *
 * @example
 * const runner = simulated({ latencyMs: 50, failureRate: 0.1, seed: 7 });
 */
export function simulated(options: SimulatedOptions = {}): TaskRunner {
  const { seed, latencyMs, failureRate, failureCode, stream, respond, model, ...settings } =
    settingsOf(options);
  const { pricePerMillionTokens: price } = settings;
  const limits = new Limits(settings.requestsPerMinute, settings.maxConcurrent);
  const cache = settings.promptCache && new PromptCache(settings.promptCache);

  return {
    name: 'simulated',
    resource: `simulated/${model}`,
    settings: { model, seed },
    supportsTools: true,
    async run(request, { attempt, signal, emit }): Promise<TaskOutput> {
      throwIfAborted(signal);
      // A sequence for each question, so that one option does not change what another one does.
      const draw = (question: string) => randomFrom(seed, request.taskId, attempt, question);
      const latency =
        typeof latencyMs === 'number'
          ? latencyMs
          : lognormal(draw('latency'), latencyMs.medianMs, latencyMs.sigma);
      let began = performance.now();
      const admission = limits.enter(began, latency);
      try {
        if (draw('failure')() < failureRate) {
          await until(began + latency, signal);
          throw new RunnerError(failureCode, 'the simulated model failed, as failureRate asks');
        }
        let spent: Spending | undefined;
        let prompt = request.prompt;
        let cached = cache?.read(prompt, began);
        if (request.tools !== undefined) {
          await until(began + latency, signal);
          cache?.write(prompt, performance.now());
          const calls = callsOf(request.tools, draw('tools'));
          const written = JSON.stringify(calls.map(({ input }) => input));
          spent = usageOf(prompt, written, cached, price);
          await emit({ kind: 'step', step: 1, usage: spent.usage, model });
          prompt += `\n${written}\n${await resultsOf(calls, signal)}`;
          began = performance.now();
          cached = cache?.read(prompt, began);
        }
        const output =
          respond === undefined
            ? madeUp(request, draw('answer'))
            : await orAborted(respond(request), signal);
        const pieces = stream && typeof output === 'string' ? piecesOf(output) : [];
        for (const [index, piece] of pieces.entries()) {
          await until(began + (latency * (index + 1)) / pieces.length, signal);
          if (index === 0) cache?.write(prompt, performance.now());
          await emit(piece);
        }
        if (pieces.length === 0) {
          await until(began + latency, signal);
          cache?.write(prompt, performance.now());
        }
        const answered = usageOf(prompt, output, cached, price);
        if (spent !== undefined) {
          await emit({ kind: 'step', step: 2, usage: answered.usage, model });
        }
        return { output, model, ...addSpending(spent, answered) };
      } finally {
        limits.leave(admission);
      }
    },
  };
}

function madeUp(request: TaskRequest, random: () => number): unknown {
  const { outputSchema } = request;
  if (outputSchema === undefined || asksForText(outputSchema)) return answerTo(request, random);
  const planning = planningOf(request);
  if (planning !== undefined) return planFor(planning);
  const { $schema: _, ...schema } = outputSchema;
  return sampleOf(schema, random);
}

/** Its words, in at most eight pieces that add up to the text. */
function piecesOf(text: string): string[] {
  const words = text.match(/^\s+|\S+\s*/g) ?? [];
  const size = Math.ceil(words.length / 8);
  const pieces: string[] = [];
  for (let start = 0; start < words.length; start += size) {
    pieces.push(words.slice(start, start + size).join(''));
  }
  return pieces;
}
