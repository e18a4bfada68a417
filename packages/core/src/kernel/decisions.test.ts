import { describe, expect, test, vi } from 'vitest';
import { echo } from '../../test/groups.js';
import { execute, no, planOf, runnerOf, statuses, taskOf } from '../../test/runs.js';
import { type Condition, type Operator, RunnerError, type Task } from '../index.js';

describe('a condition', () => {
  const chooses = async (value: unknown, when: Condition) => {
    const result = await execute(
      planOf({ id: 'a', run: () => value }, { id: 'b', dependencies: ['a'], when, run: () => 1 }),
    );
    expect(result.status, result.error?.message).toBe('completed');
    return taskOf(result, 'b').status === 'completed';
  };

  test.each<[unknown, Operator, unknown, boolean]>([
    [null, '==', null, true],
    [undefined, '==', null, false],
    [Number.NaN, '==', Number.NaN, true],
    [0, '==', -0, true],
    ['', '==', false, false],
    [{ a: 1, b: 2 }, '==', { b: 2, a: 1 }, true],
    [{ a: 1 }, '==', { a: 1, b: undefined }, false],
    [[1, 2], '==', [2, 1], false],
    [[], '==', {}, false],
    [new Date(0), '==', new Date(0), true],
    [new Date(0), '==', new Date(1), false],
    [new Date(0), '==', {}, false],
    [new Map([[1, 2]]), '==', {}, false],
    [{ a: 1 }, '!=', { a: 1 }, false],
    [undefined, '!=', 'x', true],
    [3, '>', 3, false],
    [3, '>=', 3, true],
    ['10', '>', '9', false],
    [Number.NaN, '<=', 1, false],
    [undefined, '<', 1, false],
    ['a', '<', 'b', true],
    [[1], '<=', 1, false],
    ['a12', 'contains', 12, true],
    [['12'], 'contains', 12, false],
    [[], 'contains', 1, false],
    [{ a: 1 }, 'contains', 'a', false],
    [undefined, 'contains', 'a', false],
    ['Bug report', 'matches', '(?i)^bug', true],
    ['a\nb', 'matches', '^b$', false],
    [['abc'], 'matches', 'abc', false],
  ])('compares %j %s %j: %s', async (value, operator, expected, result) => {
    expect(await chooses(value, { path: 'a', operator, value: expected })).toBe(result);
  });

  const yes: Condition = { path: 'a', operator: '==', value: 1 };
  const not: Condition = { path: 'a', operator: '==', value: 2 };

  test.each<[string, Condition, boolean]>([
    ['all of nothing', { all: [] }, true],
    ['any of nothing', { any: [] }, false],
    ['all, one not', { all: [yes, not] }, false],
    ['any, one not', { any: [not, yes] }, true],
    ['not not', { not: { not: yes } }, true],
    ['nested', { all: [{ any: [not, { not }] }, { not: { all: [yes, not] } }] }, true],
  ])('joins others: %s', async (_, when, result) => {
    expect(await chooses(1, when)).toBe(result);
  });

  test.each([
    ['a.list[1].name', undefined],
    ['a.list[2].name', 'a has a list of 2 there'],
    ['a["odd.key"]', undefined],
    ['a.constructor', 'a has the fields list, odd.key there'],
    ['a.list.length', undefined],
  ])('looks at %s, and fails the task if nothing is there', async (path, problem) => {
    const value = { list: [{ name: 'x' }, { name: 'y' }], 'odd.key': 1 };
    const there: Condition = {
      any: [
        { path, operator: '>=', value: 0 },
        { path, operator: '>=', value: '' },
      ],
    };
    if (problem === undefined) expect(await chooses(value, there)).toBe(true);
    else await expect(chooses(value, there)).rejects.toThrow(problem);
  });

  test('with a pattern cannot hang', async () => {
    const text = `${'a'.repeat(20_000)}!`;
    const when: Condition = { path: 'a', operator: 'matches', value: '^(a|aa)+$' };
    expect(await chooses(text, when)).toBe(false);
  });

  test('is evaluated once, whatever the attempts do', async () => {
    const when = vi.fn(() => true);
    const result = await execute(
      planOf({
        id: 'a',
        when,
        retry: { initialDelayMs: 0 },
        run(_, { attempt }) {
          if (attempt < 3) throw new RunnerError('timeout', 'again');
        },
      }),
    );
    expect(taskOf(result, 'a').attempts).toBe(3);
    expect(when).toHaveBeenCalledTimes(1);
  });

  test.each([
    ['throws', no, 'no'],
    ['is asynchronous', async () => false, 'it returned a promise'],
    ['rejects', async () => no(), 'it returned a promise'],
  ])('that %s makes the task fail before it starts', async (_, when, message) => {
    const run = vi.fn();
    const result = await execute(
      planOf({ id: 'a', when: when as unknown as () => boolean, run }, echo('after', 'a')),
    );
    expect(run).not.toHaveBeenCalled();
    expect(taskOf(result, 'a')).toMatchObject({ status: 'failed', attempts: 0 });
    expect(taskOf(result, 'a').error?.message).toContain(message);
    expect(taskOf(result, 'after').status).toBe('skipped');
  });

  test('is not evaluated when the task is skipped anyway', async () => {
    const when = vi.fn(() => true);
    const result = await execute(
      planOf(
        { id: 'broken', run: no },
        { ...echo('left'), when: () => false },
        { ...echo('a', 'broken'), when },
        { ...echo('b', 'left'), when },
        { ...echo('c', 'left', 'broken'), when },
      ),
    );
    expect(when).not.toHaveBeenCalled();
    expect(taskOf(result, 'a').reason).toBe('dependency_failed');
    expect(taskOf(result, 'b').reason).toBe('condition_false');
    expect(taskOf(result, 'c').reason).toBe('dependency_failed');
  });

  test('applies to a whole fan-out and to a human step', async () => {
    const items = vi.fn(() => [1]);
    const result = await execute(
      planOf(
        { id: 'each', when: () => false, forEach: items, run: () => 1 },
        { id: 'ok', when: () => false, description: 'Ok?', waitFor: 'approval' },
        echo('after', 'each', 'ok'),
      ),
    );
    expect(items).not.toHaveBeenCalled();
    expect(result.status).toBe('completed');
    expect(result.tasks.map(({ reason }) => reason)).toEqual(Array(3).fill('condition_false'));
  });
});

describe('branches', () => {
  const decide = (kind: unknown): Task => ({
    id: 'decide',
    type: 'decision',
    run: () => ({ kind }),
  });
  const branch = (id: string, ...dependencies: string[]): Task => ({
    ...echo(id, ...dependencies),
    when: { path: `${dependencies[0]}.kind`, operator: '==', value: id },
  });

  test('join in a task that has only the chosen inputs, also in its prompt', async () => {
    const { runner, requests } = runnerOf();
    const plan = planOf(
      decide('b'),
      branch('a', 'decide'),
      branch('b', 'decide'),
      {
        id: 'filled',
        description: '[{{a}}][{{a.x.y}}][{{b.decide.kind}}]',
        dependencies: ['a', 'b'],
      },
      { id: 'appended', description: 'Join', dependencies: ['a', 'b'] },
    );
    const result = await execute(plan, { runner });
    expect(result.status).toBe('completed');
    expect(requests.get('filled')?.prompt).toBe('[][][b]');
    expect(requests.get('appended')?.prompt).toMatch(/^Join\n\n<output task="b">/);
    expect(requests.get('appended')?.prompt).not.toContain('task="a"');
    expect(requests.get('appended')?.inputs).not.toHaveProperty('a');
  });

  test('may be optional: the other dependencies of a task are enough', async () => {
    const result = await execute(
      planOf(decide('no'), branch('extra', 'decide'), echo('end', 'decide', 'extra')),
    );
    expect(result.outputs.end).toEqual({ decide: { kind: 'no' } });
  });

  test('that fail are not treated as not chosen', async () => {
    const result = await execute(
      planOf(
        decide('a'),
        { ...branch('a', 'decide'), run: no },
        branch('b', 'decide'),
        echo('join', 'a', 'b'),
      ),
    );
    expect(taskOf(result, 'join')).toMatchObject({
      status: 'skipped',
      reason: 'dependency_failed',
      failedTaskId: 'a',
    });
  });

  test('that were not chosen do not block others, through many joins', async () => {
    const result = await execute(
      planOf(
        decide('right'),
        branch('left', 'decide'),
        branch('right', 'decide'),
        echo('left 1', 'left'),
        echo('left 2', 'left 1', 'left'),
        echo('right 1', 'right'),
        echo('join', 'left 2', 'right 1'),
        echo('end', 'join', 'left 1'),
      ),
    );
    expect(result.status).toBe('completed');
    expect(
      result.tasks.filter(({ reason }) => reason === 'condition_false').map(({ id }) => id),
    ).toEqual(['left', 'left 1', 'left 2']);
    expect(Object.keys(result.outputs.end as object)).toEqual(['join']);
  });

  test('may depend on earlier decisions and on branches that were not chosen', async () => {
    const result = await execute(
      planOf(
        decide('a'),
        { ...branch('a', 'decide'), run: () => ({ kind: 'c' }) },
        { ...branch('b', 'decide'), run: () => ({ kind: 'c' }) },
        branch('c', 'a', 'b'),
        branch('d', 'a'),
        { ...echo('e', 'b', 'a'), when: { path: 'b', operator: '!=', value: 'there' } },
        { ...echo('f', 'b', 'a'), when: ({ b }) => b !== undefined },
      ),
    );
    expect(statuses(result)).toEqual({
      decide: 'completed',
      a: 'completed',
      b: 'skipped',
      c: 'completed',
      d: 'skipped',
      e: 'completed',
      f: 'skipped',
    });
  });

  test('of ten thousand tasks each are skipped quickly when not chosen', async () => {
    const chain = Array.from({ length: 10_000 }, (_, n) =>
      n === 0 ? { ...echo('0'), when: () => false } : echo(`${n}`, `${n - 1}`),
    );
    const fan = Array.from({ length: 10_000 }, (_, n) => echo(`fan ${n}`, '9999'));
    const result = await execute(planOf(...chain, ...fan, echo('end')));
    expect(result.metrics).toMatchObject({ skippedTasks: 20_000, completedTasks: 1 });
  });

  test('may provide the items of a fan-out, which is skipped when they are not chosen', async () => {
    const result = await execute(
      planOf(
        decide('no'),
        { ...branch('list', 'decide'), run: () => [1] },
        { id: 'each', dependencies: ['list'], forEach: 'list', run: () => 1 },
        { id: 'both', dependencies: ['list', 'decide'], forEach: 'list', run: () => 1 },
      ),
    );
    expect(taskOf(result, 'each').reason).toBe('condition_false');
    expect(taskOf(result, 'both').reason).toBe('condition_false');
  });
});
