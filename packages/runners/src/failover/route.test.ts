import { createExecutor, OptionError, type Task, type TaskType } from '@stratagem/core';
import { resourceOf } from '@stratagem/core/runner';
import { runnerConformance } from '@stratagem/core/testing';
import { simulated } from '@stratagem/simulated';
import { describe, expect, test } from 'vitest';
import { attempt, inOrder, request } from '../../test/attempt.js';
import { failure, scripted } from '../../test/scripted.js';
import { fallback } from './fallback.js';
import { type Routed, type RouteOptions, route } from './route.js';

describe('a route()', () => {
  const create = (runner = simulated({ latencyMs: 1 })) =>
    route({ by: 'type', routes: { decision: simulated() }, default: runner });
  const cases = runnerConformance(create, {
    failing: () => create(scripted('a', failure('overloaded'))),
    hanging: () => create(simulated({ latencyMs: 1e6 })),
  });
  for (const { name, run } of cases) test(name, run);
});

const [a, b, c] = [
  { ...scripted('a'), resource: 'a/1' },
  { ...scripted('b'), resource: ({ id }: Task) => `b/${id}` },
  scripted('c'),
];
const byModel: RouteOptions = {
  by: ({ metadata }) => metadata.model,
  routes: { fast: a, deep: b },
  default: c,
};
const ask = async (
  options: Parameters<typeof route>[0],
  task: { metadata?: Record<string, unknown>; type?: TaskType },
) => (await route(options).run({ ...request('Why?'), ...task }, attempt())).output;

describe('a task goes', () => {
  test('to the runner with its key', async () => {
    expect(await ask(byModel, { metadata: { model: 'fast' } })).toBe('a');
    expect(await ask(byModel, { metadata: { model: 'deep' } })).toBe('b');
    const levels = { by: ({ metadata }: Routed) => metadata.level, routes: { 1: a, true: b } };
    expect(await ask(levels, { metadata: { level: 1 } })).toBe('a');
    expect(await ask(levels, { metadata: { level: true } })).toBe('b');
  });

  test('to the default when it has no key', async () => {
    expect(await ask(byModel, {})).toBe('c');
    expect(await ask(byModel, { metadata: { model: null } })).toBe('c');
  });

  test('to the runner of its type, or to the default when the type has no route', async () => {
    const byType = { by: 'type', routes: { decision: a, observation: undefined }, default: c };
    expect(await ask(byType as never, { type: 'decision' })).toBe('a');
    expect(await ask(byType as never, { type: 'observation' })).toBe('c');
    expect(await ask(byType as never, { type: 'action' })).toBe('c');
  });

  test('to its runner with the request and the context unchanged', async () => {
    const runner = scripted('a');
    const [asked, context] = [request('Why?'), attempt()];
    await route({ by: () => 'x', routes: { x: runner } }).run(asked, context);
    expect(runner.requests[0]).toBe(asked);
    expect(runner.contexts[0]).toBe(context);
  });
});

describe('a task fails', () => {
  test.each<[string, Parameters<typeof route>[0], Record<string, unknown>, string]>([
    [
      'when its key has no route',
      byModel,
      { model: 'fats' },
      'no route "fats". The routes are fast',
    ],
    [
      'when its key is a property that every object has',
      byModel,
      { model: 'constructor' },
      '"constructor"',
    ],
    ['without a key and a default', { ...byModel, default: undefined }, {}, 'has no default'],
    [
      'when by() throws',
      { ...byModel, by: ({ metadata }) => (metadata.model as { name: string }).name },
      {},
      'by() of route() threw: Cannot read',
    ],
    [
      'when its key is neither a string, number nor boolean',
      byModel,
      { model: ['fast'] },
      'it returned object',
    ],
  ])('%s', async (_, options, metadata, message) => {
    const answer = ask(options, { metadata });
    await expect(answer).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(message),
    });
  });

  test('in a run, with an error that names its key', async () => {
    const executor = createExecutor({ strategy: inOrder, runner: route(byModel) });
    const tasks = [{ id: 'x', description: 'Why?', metadata: { model: 'depe' } }];
    const { timeline } = await executor.execute({ goal: 'x', tasks });
    expect(timeline.find(({ type }) => type === 'task_failed')).toMatchObject({
      error: {
        code: 'invalid_request',
        message: expect.stringMatching(/^Task "x" failed: route\(\) has no route "depe"/),
      },
    });
  });
});

describe('its resource', () => {
  const resource = (metadata: Record<string, unknown> | undefined) =>
    resourceOf(route(byModel), { id: 't', description: 'x', metadata });

  test('is that of the runner that the task goes to', () => {
    expect(resource({ model: 'fast' })).toBe('a/1');
    expect(resource({ model: 'deep' })).toBe('b/t');
    expect(resource(undefined)).toBe('c');
  });

  test('is its own name for a task without a route', () => {
    expect(resource({ model: 'fats' })).toBe('route(a, b, c)');
  });

  test('is derived from the same properties as the route of the request', async () => {
    const seen: Routed[] = [];
    const by = (task: Routed) => {
      seen.push(task);
      return 'x';
    };
    const runner = route({ by, routes: { x: simulated({ latencyMs: 0 }) } });
    const tasks: Task[] = [
      { id: 'x', description: 'Why?' },
      { id: 'y', description: 'Why?', type: 'aggregate', metadata: { deep: true } },
    ];
    await createExecutor({ strategy: inOrder, runner }).execute({ goal: 'x', tasks });
    const expected = [
      { id: 'x', type: 'action', metadata: {} },
      { id: 'y', type: 'aggregate', metadata: { deep: true } },
    ];
    for (const task of seen) expect(expected).toContainEqual(task);
    expect(seen.length).toBeGreaterThanOrEqual(4);
  });

  test('is the only one that pauses when its server asks to wait', async () => {
    const limited = scripted('a', failure('rate_limited', { retryAfterMs: 1_000 }), { output: 1 });
    const runner = route({ ...byModel, routes: { fast: limited, deep: scripted('b') } });
    const tasks = ['fast', 'deep', 'fast', 'deep'].map((model, index) => ({
      ...{ id: `${index}`, description: 'Why?', metadata: { model } },
    }));
    const executor = createExecutor({ strategy: inOrder, runner, maxParallel: 1 });
    const { timeline, status } = await executor.execute({ goal: 'x', tasks });
    expect(status).toBe('completed');
    expect(timeline.find(({ type }) => type === 'resource_paused')).toMatchObject({
      resource: 'a',
    });
    const order = timeline.flatMap((event) =>
      event.type === 'task_completed' ? [event.taskId] : [],
    );
    expect(order.slice(0, 2)).toEqual(['1', '3']);
  });
});

describe('a fallback within a route', () => {
  const tasks: Task[] = [
    { id: 'long', description: 'Read this.', metadata: { size: 'small' } },
    { id: 'short', description: 'Read that.', metadata: { size: 'small' } },
    { id: 'big', description: 'Read all.', metadata: { size: 'large' } },
  ];
  const tooLong = failure('context_length_exceeded', {
    usage: { inputTokens: 7, outputTokens: 0 },
  });
  const by = ({ metadata }: Routed) => metadata.size;

  test('passes a prompt that is too long on to a larger model, and no other', async () => {
    const [small, large] = [scripted('small', tooLong, { output: 'small' }), scripted('large')];
    const fit = fallback([small, large], { on: ['context_length_exceeded'] });
    const runner = route({ by, routes: { small: fit, large } });
    const executor = createExecutor({ strategy: inOrder, runner, maxParallel: 1 });
    const { outputs, metrics, timeline } = await executor.execute({ goal: 'x', tasks }).orThrow();
    // The small model stays available: the prompt was to blame.
    expect(outputs).toEqual({ long: 'large', short: 'small', big: 'large' });
    expect(metrics.usage).toMatchObject({ inputTokens: 7 });
    expect(timeline).toContainEqual(
      expect.objectContaining({
        kind: 'notice',
        code: 'context_length_exceeded',
        message: '"small" failed: it was context_length_exceeded; trying "large"',
      }),
    );
  });

  test('is needed: a route stays with the runner of its key', async () => {
    const runner = route({ by, routes: { small: scripted('small', tooLong), large: c } });
    const executor = createExecutor({ strategy: inOrder, runner });
    const result = await executor.execute({ goal: 'x', tasks });
    expect(result.tasks.map(({ error }) => error?.code)).toEqual([
      'context_length_exceeded',
      'context_length_exceeded',
      undefined,
    ]);
  });
});

test('its properties are derived from the wrapped runners', () => {
  const tooled = { ...a, settings: { model: 'm' }, supportsTools: true };
  const options = { by: () => 'x', routes: { x: tooled }, default: { ...c, supportsTools: true } };
  expect(route(options)).toMatchObject({
    name: 'route(a, c)',
    settings: { routes: { x: { name: 'a', settings: { model: 'm' } } }, default: { name: 'c' } },
    supportsTools: true,
  });
  expect(route({ ...options, default: c }).supportsTools).toBe(false);
});

describe('is refused:', () => {
  test.each<[string, unknown, RegExp]>([
    ['an unknown option', { ...byModel, key: 'x' }, /no option "key"/],
    ['no way to a key', { routes: { a } }, /by must be 'type' or a function/],
    ['no routes', { by: 'type' }, /routes must be an object/],
    ['no route', { by: 'type', routes: {} }, /routes must be an object/],
    ['a route that is no runner', { ...byModel, routes: { x: 7 } }, /the route "x" must be/],
    ['a default that is no runner', { ...byModel, default: 7 }, /default must be a TaskRunner/],
    ['an unknown type', { by: 'type', routes: { decison: a } }, /Did you mean "decision"/],
  ])('%s', (_, options, message) => {
    expect(() => route(options as never)).toThrow(OptionError);
    expect(() => route(options as never)).toThrow(message);
  });
});
