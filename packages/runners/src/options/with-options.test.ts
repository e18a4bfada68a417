import { OptionError, type TaskOptions, type TaskRequest, type TaskRunner } from '@stratagem/core';
import { resourceOf } from '@stratagem/core/runner';
import { runnerConformance } from '@stratagem/core/testing';
import { describe, expect, test } from 'vitest';
import { attempt, request } from '../../test/attempt.js';
import { cache } from '../cache/cache.js';
import { memoryStore } from '../cache/cache-store.js';
import { withOptions } from './with-options.js';

const OPTIONS = ['model', 'temperature', 'seed', 'headers', 'providerOptions.lab'];

function recording(more: Partial<TaskRunner> = {}) {
  const requests: TaskRequest[] = [];
  const runner: TaskRunner = {
    ...{ name: 'lab', resource: 'lab/small', settings: { kind: 'x' }, supportedOptions: OPTIONS },
    ...more,
    run: async (each) => ({ output: `answer ${requests.push(each)}` }),
  };
  return { runner, requests };
}

const isTitle = (value: unknown) => typeof (value as { title?: unknown })?.title === 'string';

describe('the contract', () => {
  const answering: TaskRunner = {
    name: 'lab',
    supportedOptions: OPTIONS,
    async run({ outputSchema, prompt }, { signal, emit }) {
      signal.throwIfAborted();
      const output = outputSchema === undefined ? `hello ${prompt}` : { title: 'x' };
      if (!isTitle(output)) emit(String(output));
      return { output };
    },
  };
  for (const { name, run } of runnerConformance(() => withOptions(answering, { seed: 1 }))) {
    test(name, run);
  }
});

test('options of the runner reach each request, and those of a task come first', async () => {
  const { runner, requests } = recording();
  const precise = withOptions(runner, {
    temperature: 0,
    headers: { 'X-Team': 'a' },
    providerOptions: { lab: { depth: 1, width: 1 } },
  });
  const given = {
    temperature: 1,
    headers: { 'x-team': 'b' },
    providerOptions: { lab: { depth: 2 } },
  };
  await precise.run(request('x'), attempt());
  await precise.run({ ...request('x'), options: given }, attempt());
  expect(requests.map(({ options }) => options)).toEqual([
    {
      temperature: 0,
      headers: { 'X-Team': 'a' },
      providerOptions: { lab: { depth: 1, width: 1 } },
    },
    { ...given, providerOptions: { lab: { depth: 2, width: 1 } } },
  ]);
});

test('a model names the resource and what its price is', () => {
  const isKnown = (model: string) => model === 'large';
  const { runner } = recording({
    pricing: { asOf: '2026-01-01', unknownModels: ['small'], isKnown },
  });
  const large = withOptions(runner, { model: 'large' });
  expect(large.resource).toBe('lab/large');
  expect(resourceOf(large, { id: 'a', model: 'huge' })).toBe('lab/huge');
  expect(large.pricing).toEqual({ asOf: '2026-01-01', isKnown });
  expect(withOptions(runner, { model: 'huge' }).pricing?.unknownModels).toEqual(['huge']);
  const byTask = recording({ resource: ({ id, model }) => `${id}@${model}` });
  const chosen = withOptions(byTask.runner, { model: 'large' });
  expect(resourceOf(chosen, { id: 'a' })).toBe('a@large');
  expect(resourceOf(chosen, { id: 'a', model: 'huge' })).toBe('a@huge');
});

test('the settings show the options without secrets, and caches tell them apart', async () => {
  const { runner, requests } = recording();
  const headers = { authorization: 'secret-0123456789', 'x-version': '2' };
  expect(withOptions(runner, { seed: 1, headers }).settings).toEqual({
    kind: 'x',
    options: { seed: 1, headers: { authorization: '[redacted]', 'x-version': '2' } },
  });
  const store = memoryStore();
  for (const seed of [1, 2, 1]) {
    await cache(withOptions(runner, { seed }), store).run(request('x'), attempt());
  }
  expect(requests).toHaveLength(2);
});

test.each<[TaskOptions, string]>([
  [{ topP: 0.5 }, 'withOptions(): the runner "lab" does not honour topP'],
  [{ providerOptions: { other: {} } }, 'does not honour providerOptions.other'],
  [{ temperature: -1 }, 'withOptions(): temperature must be a number ≥ 0; it is -1'],
  [
    { temprature: 1 } as never,
    'withOptions() has no option "temprature". Did you mean "temperature"?',
  ],
])('%j is an error', (options, message) => {
  const create = () => withOptions(recording().runner, options);
  expect(create).toThrow(OptionError);
  expect(create).toThrow(message);
});
