import type { TaskOptions } from '../contract/call-options.js';
import type { Plan } from '../contract/plan.js';
import type { TaskRequest, TaskRunner } from '../contract/runner.js';
import type { StandardSchema } from '../contract/schema.js';
import type { Strategy, TaskView } from '../contract/strategy.js';
import type { Task } from '../contract/task.js';
import type { Tool } from '../contract/tool.js';
import { createExecutor } from '../runtime/executor.js';
import type { PlanResult } from '../state/result.js';

/** A value of each option that a request without tools may have. */
export const SAMPLE_OPTIONS: Omit<Required<TaskOptions>, 'toolChoice' | 'providerOptions'> = {
  model: 'another-model',
  instructions: 'Be brief.',
  temperature: 0.5,
  topP: 0.9,
  seed: 7,
  stopSequences: ['END'],
  maxOutputTokens: 1_000,
  serverTools: ['web_search'],
  headers: { 'x-conformance': 'yes' },
  reasoning: 'low',
  stream: false,
  serviceTier: 'auto',
  store: false,
  promptCacheKey: 'conformance',
  promptCacheTtl: '1h',
};

export function requestFor(taskId: string, prompt: string): TaskRequest {
  const texts = { prompt, plainPrompt: prompt, description: prompt };
  const empty = { inputs: Object.freeze({}), metadata: Object.freeze({}) };
  return Object.freeze({ taskId, type: 'action' as const, ...texts, ...empty });
}

/** `{ title: string }`, without a library. */
export const titleSchema: StandardSchema<unknown, { title: string }> = {
  '~standard': {
    version: 1,
    vendor: 'stratagem',
    validate(value) {
      const { title } = (value ?? {}) as { title?: unknown };
      if (typeof title === 'string') return { value: { title } };
      return { issues: [{ message: 'expected a string', path: ['title'] }] };
    },
    jsonSchema: {
      output: () => ({
        type: 'object',
        properties: { title: { type: 'string' } },
        required: ['title'],
        additionalProperties: false,
      }),
    },
  },
};

export const weather: Tool = {
  name: 'weather',
  description: 'The weather in a city, now.',
  inputSchema: {
    '~standard': {
      version: 1,
      vendor: 'stratagem',
      validate: (value) => ({ value }),
      jsonSchema: {
        output: () => ({ type: 'object', properties: { city: { type: 'string' } } }),
      },
    },
  },
  execute: () => 'sunny',
};

/** Starts tasks in the order in which they become ready. */
const inOrder: Strategy = {
  name: 'in order',
  begin() {
    const ready: TaskView[] = [];
    return { ready: (task) => void ready.push(task), next: () => ready.shift() };
  },
};

export function play(
  runner: TaskRunner,
  plan: Plan & { readonly tasks: readonly Task[] },
): PromiseLike<PlanResult> {
  return createExecutor({ strategy: inOrder, runner, maxParallel: 4 }).execute(plan);
}
