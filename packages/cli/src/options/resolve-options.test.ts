import { describe, expect, test } from 'vitest';
import { resolveStrategy } from './resolve-options.js';
import { resolveRunner } from './resolve-runners.js';
import { UsageError } from './usage-error.js';

describe('the strategy is chosen', () => {
  test.each([
    ['default', {}, undefined, 'parallel', 5],
    ['the plan file', {}, { name: 'sequential' }, 'sequential', 1],
    ['the options in the plan file', {}, { name: 'parallel', maxParallel: 3 }, 'parallel', 3],
    [
      'the command line rather than the file',
      { strategy: 'parallel', maxParallel: 2 },
      { name: 'sequential' },
      'parallel',
      2,
    ],
    [
      '--max-parallel rather than the file',
      { maxParallel: 9 },
      { name: 'parallel', maxParallel: 3 },
      'parallel',
      9,
    ],
    [
      '--strategy sequential rather than another strategy',
      { strategy: 'sequential' },
      { name: 'parallel', maxParallel: 3 },
      'sequential',
      1,
    ],
    [
      'the options of the adaptive strategy in the file',
      {},
      { name: 'adaptive', maxParallel: 30 },
      'adaptive',
      30,
    ],
    [
      '--strategy adaptive without options',
      { strategy: 'adaptive' },
      { name: 'sequential' },
      'adaptive',
      128,
    ],
    [
      '--strategy adaptive with --max-parallel',
      { strategy: 'adaptive', maxParallel: 9 },
      { name: 'parallel', maxParallel: 3 },
      'adaptive',
      9,
    ],
    [
      '--max-parallel 1 with a sequential plan',
      { maxParallel: 1 },
      { name: 'sequential' },
      'sequential',
      1,
    ],
  ] as const)('by %s', async (_, flags, fromFile, name, maxParallel) => {
    expect(await resolveStrategy(flags, fromFile)).toMatchObject({ name, maxParallel });
  });

  test('refuses --max-parallel above 1 with the sequential strategy', async () => {
    await expect(resolveStrategy({ maxParallel: 4 }, { name: 'sequential' })).rejects.toThrow(
      /--max-parallel 4 .*sequential/,
    );
  });
});

describe('the runner', () => {
  test('is the named provider, with its model', async () => {
    expect(await resolveRunner({ runner: 'simulated', latency: 5 })).toMatchObject({
      name: 'simulated',
    });
    expect(await resolveRunner({ runner: 'openai', model: 'm' })).toMatchObject({
      resource: 'openai/m',
    });
    expect(await resolveRunner({ runner: 'anthropic', model: 'm' })).toMatchObject({
      resource: 'anthropic/m',
    });
  });

  test.each([
    ['--model', { runner: 'simulated', model: 'm' }],
    ['--base-url', { runner: 'simulated', baseUrl: 'http://127.0.0.1' }],
    ['--latency', { runner: 'openai', latency: 5 }],
    ['--latency', { runner: 'anthropic', latency: 5 }],
  ] as const)('is refused with %s, which has no effect', async (option, flags) => {
    const resolving = resolveRunner(flags);
    await expect(resolving).rejects.toThrow(UsageError);
    await expect(resolving).rejects.toThrow(
      `${option} has no effect with --runner ${flags.runner}`,
    );
  });
});
