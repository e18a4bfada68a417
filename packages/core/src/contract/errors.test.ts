import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import {
  describe as describeThrown,
  isStratagemError,
  OptionError,
  RunnerError,
  StratagemError,
  StrategyError,
  TaskError,
} from './errors.js';
import { formatProblem, PlanError } from './plan-error.js';

describe('every error of the library', () => {
  const cause = new Error('why');
  test.each<[string, StratagemError, string]>([
    [
      'StratagemError',
      new StratagemError('deadline_exceeded', 'x', { cause }),
      'deadline_exceeded',
    ],
    ['OptionError', new OptionError('x', { cause }), 'invalid_option'],
    ['RunnerError', new RunnerError('timeout', 'x', { cause }), 'timeout'],
    ['TaskError', new TaskError('a', cause), 'task_failed'],
    ['StrategyError', new StrategyError('s', 'x', { cause }), 'invalid_strategy'],
  ])('%s has its name, its code and its cause', (name, error, code) => {
    expect(error).toBeInstanceOf(StratagemError);
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.code, error.cause]).toEqual([name, code, cause]);
    expect(isStratagemError(error)).toBe(true);
    expect(error.stack).toContain('errors.test.ts');
    expect(inspect(error)).toContain(name);
  });

  test('is serialised with its code and message, without its cause and its stack', () => {
    const error = new StratagemError('run_failed', 'The plan failed', { cause: { key: 'sk-1' } });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'StratagemError',
      code: 'run_failed',
      message: 'The plan failed',
    });
  });

  test('is recognised across copies of the library, which share no class', () => {
    const foreign = Object.assign(new Error('x'), { [Symbol.for('stratagem.error')]: true });
    expect(isStratagemError(foreign)).toBe(true);
    expect(
      [new Error('x'), null, undefined, 'x', {}, { code: 'timeout' }].some(isStratagemError),
    ).toBe(false);
  });
});

describe('TaskError', () => {
  test('a RunnerError has no fields for details that are not known', () => {
    const error = new RunnerError('timeout', 'x', { usage: undefined, status: 504 });
    expect(Object.keys(error)).not.toContain('usage');
    expect(error.status).toBe(504);
  });

  test('keeps the details of a RunnerError of another copy of the library', () => {
    const foreign = Object.assign(new Error('slow down'), {
      [Symbol.for('stratagem.error')]: true,
      code: 'rate_limited',
      retryAfterMs: 5,
    });
    expect(new TaskError('a', foreign)).toMatchObject({
      code: 'rate_limited',
      retryAfterMs: 5,
      message: 'Task "a" failed: slow down',
    });
  });

  test('ignores the code, status and advice of foreign errors', () => {
    const foreign = Object.assign(new Error('x'), { code: 'ENOENT', status: 500, retryAfterMs: 5 });
    const error = new TaskError('a', foreign);
    expect(error.code).toBe('task_failed');
    expect(error).not.toHaveProperty('status');
    expect(error).not.toHaveProperty('retryAfterMs');
  });

  test('has no empty fields', () => {
    const json = JSON.stringify(new TaskError('a', new RunnerError('refused', 'no')));
    expect(Object.keys(JSON.parse(json)).sort()).toEqual(['code', 'message', 'name', 'taskId']);
    expect(new TaskError('a', 'x')).not.toHaveProperty('usage');
  });
});

describe('describe', () => {
  const nested = (...messages: string[]): Error | undefined =>
    messages.reduceRight<Error | undefined>(
      (cause, message) => new Error(message, { cause }),
      undefined,
    );

  test.each<[unknown, string]>([
    [new Error('broken'), 'broken'],
    [new TypeError(''), 'TypeError'],
    [nested('fetch failed', 'connect ECONNREFUSED'), 'fetch failed: connect ECONNREFUSED'],
    [nested('a', 'b', 'c'), 'a: b: c'],
    [nested('Connection error.', 'bad port.'), 'Connection error: bad port.'],
    [nested('fetch failed: refused', 'refused', 'by peer'), 'fetch failed: refused: by peer'],
    [new Error('a', { cause: 'text' }), 'a: text'],
    [new Error('a', { cause: null }), 'a'],
    [new AggregateError([new Error('first'), new Error('second')]), 'first'],
    [new AggregateError([], 'all failed'), 'all failed'],
    [new AggregateError([]), 'AggregateError'],
    ['text', 'text'],
    ['', 'an empty string was thrown'],
    [undefined, 'undefined was thrown'],
    [null, 'null was thrown'],
    [7, '7'],
    [7n, '7'],
    [Number.NaN, 'NaN'],
    [Symbol('s'), 'Symbol(s)'],
    [{ status: 3 }, '{"status":3}'],
    [{ n: 1n }, '{}'],
    [{ message: 'no', headers: { authorization: 'Bearer sk-secret' } }, '{"message":"no"}'],
    ['x'.repeat(3_000), `${'x'.repeat(2_000)}…`],
    [Object.create(null), '{}'],
  ])('describes %o in one line', (thrown, line) => {
    expect(describeThrown(thrown)).toBe(line);
  });

  test('describes the first few of a long chain of causes', () => {
    const chain = nested(...Array.from({ length: 1_000 }, (_, depth) => `cause ${depth};`));
    expect(describeThrown(chain)).toMatch(/^cause 0;: cause 1;: cause 2;/);
    expect(describeThrown(chain)).not.toContain('cause 10;');
  });

  test('ends when an error is its own cause', () => {
    let looks = 0;
    const error = new Error('circular');
    Object.defineProperty(error, 'cause', {
      // Gives up at last, so that this test can fail instead of never ending.
      get: () => (++looks > 1_000 ? undefined : error),
    });
    expect(describeThrown(error)).toBe('circular');
    expect(looks).toBeLessThan(10);
  });

  const revoked = () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  };
  const caused = (message: string, cause: string) =>
    new Error(message, { cause: new Error(cause) });
  const hostile: [string, () => unknown][] = [
    ['an error whose message is a number', () => Object.assign(caused('x', 'y'), { message: 42 })],
    [
      'an error whose message is an object',
      () => Object.assign(caused('x', 'y'), { message: { text: 'x' } }),
    ],
    ['an error without a name', () => Object.assign(caused('', 'y'), { name: undefined })],
    [
      'an error whose cause cannot be read',
      () =>
        Object.defineProperty(new Error('x'), 'cause', {
          get() {
            throw new Error('no');
          },
        }),
    ],
    ['a proxy that has been revoked', revoked],
  ];

  test.each(hostile)('says something about %s', (_, make) => {
    const line = describeThrown(make());
    expect(line).toBeTypeOf('string');
    expect(line).not.toBe('');
  });

  test.each(hostile)('TaskError can be made of %s', (_, make) => {
    const thrown = make();
    const error = new TaskError('a', thrown);
    expect(error.code).toBe('task_failed');
    expect(error.cause).toBe(thrown);
    expect(error.message).toMatch(/^Task "a" failed: ./);
  });
});

describe('PlanError', () => {
  const problem = { code: 'cycle', path: ['tasks', 0], message: 'm' } as const;

  test('counts its problems and lists them', () => {
    const one = new PlanError([problem]);
    expect(one.message).toBe('The plan is invalid, it has 1 problem:\n  - tasks[0]: m');
    const many = new PlanError(new Array(21).fill(problem));
    expect(many.message).toContain('it has 21 problems:');
    expect(many.message).toMatch(/\n {2}- and 1 more$/);
    expect(many.problems).toHaveLength(21);
    expect(new PlanError(new Array(20).fill(problem)).message).not.toContain('more');
  });

  test.each([
    [[], 'm'],
    [['goal'], 'goal: m'],
    [['tasks', 3, 'dependencies', 0], 'tasks[3].dependencies[0]: m'],
    [['tasks', 0, 'estimate', 'durationMs'], 'tasks[0].estimate.durationMs: m'],
    [[0, 'a'], '[0].a: m'],
  ])('writes the path %j as %j', (path, text) => {
    expect(formatProblem({ code: 'cycle', path, message: 'm' })).toBe(text);
  });
});
