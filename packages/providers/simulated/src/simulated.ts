import type { TaskRunner } from '@stratagem/core';
import { attachmentSupport, TASK_OPTIONS } from '@stratagem/core/runner';
import { Limits } from './limits.js';
import { type SimulatedOptions, simulatedSettings } from './options.js';
import { PromptCache } from './prompt-cache.js';
import { SimulatedAttempt } from './simulated-attempt.js';

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
  const settings = simulatedSettings(options);
  const { seed, model, requestsPerMinute, maxConcurrent, promptCache } = settings;
  const limits = new Limits(requestsPerMinute, maxConcurrent);
  const cache = promptCache && new PromptCache(promptCache);
  const server = { settings, limits, cache };
  return {
    name: 'simulated',
    resource: `simulated/${model}`,
    settings: { model, seed },
    supportsTools: true,
    // A function may read anything.
    ...(settings.respond !== undefined && { readsInputs: true }),
    supportedOptions: [...TASK_OPTIONS, ...attachmentSupport(['*/*'])],
    run: async (request, context) => new SimulatedAttempt(server, request, context).run(),
  };
}
