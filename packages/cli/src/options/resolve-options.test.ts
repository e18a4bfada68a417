import { describe, expect, test } from 'vitest';
import { UsageError } from '../output/exit-code.js';
import { chooseRunner, chooseStrategy } from './resolve-options.js';

describe('the strategy', () => {
  test.each([
    ['nothing said', {}, undefined, 'parallel', 5],
    ['the file', {}, { name: 'sequential' }, 'sequential', 1],
    ['the options of the file', {}, { name: 'parallel', maxParallel: 3 }, 'parallel', 3],
    [
      'the command line over the file',
      { strategy: 'parallel', maxParallel: 2 },
      { name: 'sequential' },
      'parallel',
      2,
    ],
    [
      'one number over the file',
      { maxParallel: 9 },
      { name: 'parallel', maxParallel: 3 },
      'parallel',
      9,
    ],
    [
      'sequential over the options of another',
      { strategy: 'sequential' },
      { name: 'parallel', maxParallel: 3 },
      'sequential',
      1,
    ],
    ['the options of an adaptive one', {}, { name: 'adaptive', maxParallel: 30 }, 'adaptive', 30],
    ['adaptive alone', { strategy: 'adaptive' }, { name: 'sequential' }, 'adaptive', 128],
    [
      'adaptive with a cap of the command line',
      { strategy: 'adaptive', maxParallel: 9 },
      { name: 'parallel', maxParallel: 3 },
      'adaptive',
      9,
    ],
    ['one at a time, said twice', { maxParallel: 1 }, { name: 'sequential' }, 'sequential', 1],
  ] as const)('by %s', async (_, flags, fromFile, name, maxParallel) => {
    expect(await chooseStrategy(flags, fromFile)).toMatchObject({ name, maxParallel });
  });

  test('cannot be sequential with several at once', async () => {
    await expect(chooseStrategy({ maxParallel: 4 }, { name: 'sequential' })).rejects.toThrow(
      /--max-parallel 4 .*sequential/,
    );
  });
});

describe('the runner', () => {
  test('is the one named, with its model', async () => {
    expect(await chooseRunner({ runner: 'simulated', latency: 5 })).toMatchObject({
      name: 'simulated',
    });
    expect(await chooseRunner({ runner: 'openai', model: 'm' })).toMatchObject({
      resource: 'openai/m',
    });
    expect(await chooseRunner({ runner: 'anthropic', model: 'm' })).toMatchObject({
      resource: 'anthropic/m',
    });
  });

  test.each([
    ['--model', { runner: 'simulated', model: 'm' }],
    ['--base-url', { runner: 'simulated', baseUrl: 'http://127.0.0.1' }],
    ['--latency', { runner: 'openai', latency: 5 }],
    ['--latency', { runner: 'anthropic', latency: 5 }],
  ] as const)('refuses %s where it has no effect', async (option, flags) => {
    const choosing = chooseRunner(flags);
    await expect(choosing).rejects.toThrow(UsageError);
    await expect(choosing).rejects.toThrow(`${option} has no effect with --runner ${flags.runner}`);
  });
});
