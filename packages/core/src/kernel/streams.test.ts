import { describe, expect, test } from 'vitest';
import { kernelOf } from '../../test/kernels.js';
import { inOrder } from '../../test/runs.js';
import { RunnerError } from '../contract/errors.js';
import type { Plan } from '../contract/plan.js';
import type { Task } from '../contract/task.js';
import type { SimulateOptions } from '../simulate/options.js';
import { simulate } from '../simulate/simulate.js';
import type { KernelOptions } from './options.js';

const stream = {
  name: 'rows',
  open: () => {
    throw new Error('a kernel opens no stream');
  },
};

const itemsOf = (count: number, from = 0) => Array.from({ length: count }, (_, n) => from + n);

/** A kernel with one fan-out over a stream, the task 0. */
function streaming(more: Partial<Task> = {}, options: Partial<KernelOptions> = {}) {
  const plan: Plan = {
    goal: 'x',
    tasks: [{ id: 'each', description: 'Read {{item}}', forEach: { stream }, ...more }],
  };
  const { kernel, events } = kernelOf(plan, options);
  kernel.start(0);
  let read = 0;
  return {
    kernel,
    events,
    /** Takes the commands, and returns how many items they ask for. */
    asked(): number[] {
      const commands = kernel.commands.splice(0);
      return commands.flatMap((each) => (each.type === 'read' ? [each.count] : []));
    },
    give(count: number, isEnd = false): boolean {
      const items = itemsOf(count, read);
      const skip = read;
      read += count;
      return kernel.itemsRead(0, skip, items, { hash: `${read}`, isEnd }, 0);
    },
    complete(count: number, from = 1): void {
      for (const index of itemsOf(count, from)) kernel.completed(index, 1, { output: index }, 0);
    },
  };
}

describe('a fan-out over a stream', () => {
  test.each([
    [1, 16],
    [8, 16],
    [100, 200],
    [Number.POSITIVE_INFINITY, 1_000],
  ])('asks for twice as many items as may run at once: %d', (maxParallel, window) => {
    const { asked, give, complete } = streaming({}, { maxParallel });
    expect(asked()).toEqual([window]);
    give(window);
    expect(asked()).toEqual([]);
    complete(window / 2 - 1);
    expect(asked()).toEqual([]);
    complete(1, window / 2);
    expect(asked()).toEqual([window / 2]);
  });

  test('asks for others while items wait for a retry', () => {
    const { kernel, asked, give } = streaming({}, { maxParallel: 8, retry: { maxAttempts: 2 } });
    asked();
    give(16);
    const fail = (index: number) =>
      kernel.failed(index, 1, new RunnerError('server_error', 'down'), 0);
    for (const index of itemsOf(7, 1)) fail(index);
    expect(asked()).toEqual([]);
    fail(8);
    expect(asked()).toEqual([8]);
  });

  test('asks for others while items wait for people, up to 1,000 in all', () => {
    const waiting: Partial<Task> = { description: 'Is {{item}} right?', waitFor: 'approval' };
    const { kernel, asked, give } = streaming(waiting, { maxParallel: 8 });
    for (let [count] = asked(); count !== undefined; [count] = asked()) give(count);
    expect(kernel.state.questions.size).toBe(1_000);
    expect(kernel.graph.size).toBe(1_001);
  });

  test('says where it is when it asks', () => {
    const { kernel, give } = streaming();
    expect(kernel.commands).toEqual([
      { type: 'read', index: 0, skip: 0, hash: undefined, count: 32 },
    ]);
    kernel.commands.length = 0;
    give(3);
    expect(kernel.commands.filter(({ type }) => type === 'read')).toEqual([
      { type: 'read', index: 0, skip: 3, hash: '3', count: 29 },
    ]);
  });

  test('waits for the rest of its stream although all of its items have settled', () => {
    const { kernel, give, complete } = streaming();
    give(2);
    complete(2);
    expect([kernel.ended, kernel.state.statusOf(0)]).toEqual([false, 'pending']);
    give(0, true);
    expect(kernel.ended).toBe(true);
    expect(kernel.state.outputOf(0)).toMatchObject([{ id: 'each[0]' }, { id: 'each[1]' }]);
  });

  test('ignores items that it has not asked for', () => {
    const { kernel, give, asked } = streaming();
    expect(give(32)).toBe(true);
    expect(give(1)).toBe(false);
    expect(kernel.readFailed(0, 32, new Error('late'), 0)).toBe(false);
    expect(kernel.itemsRead(1, 0, [1], { hash: '', isEnd: true }, 0)).toBe(false);
    expect(kernel.graph.size).toBe(33);
    expect(asked()).toEqual([32]);
  });

  test('ignores items that it has already, while it waits for the next ones', () => {
    const { kernel, give } = streaming();
    const late = [[0, 1], { hash: '2', isEnd: false }] as const;
    give(2);
    expect(kernel.itemsRead(0, 0, ...late, 0)).toBe(false);
    expect(kernel.readFailed(0, 0, new Error('late'), 0)).toBe(false);
    expect(kernel.graph.size).toBe(3);
    expect(kernel.itemsRead(0, 2, ...late, 0)).toBe(true);
  });

  test('fails for its stream once the items that it has are done', () => {
    const { kernel, give, complete } = streaming();
    give(2);
    expect(kernel.readFailed(0, 2, new Error('torn'), 0)).toBe(true);
    complete(1);
    expect(kernel.state.statusOf(0)).toBe('pending');
    complete(1, 2);
    expect(kernel.state.errorOf(0)?.message).toContain('torn');
    expect(kernel.state.isCompleted(1)).toBe(true);
  });

  test('asks for one item more than maxItems, to know whether there are more', () => {
    const { kernel, asked, give, complete } = streaming({ forEach: { stream, maxItems: 5 } });
    expect(asked()).toEqual([5]);
    give(5);
    expect(asked()).toEqual([1]);
    give(1);
    complete(5);
    expect(kernel.state.errorOf(0)?.message).toContain('more than 5 items');
  });

  test('asks for nothing once the run has stopped', () => {
    const { kernel, asked, give } = streaming();
    give(2);
    asked();
    kernel.skipTask(0, undefined, 0);
    expect(give(3)).toBe(false);
    expect(kernel.graph.size).toBe(3);
    expect(asked()).toEqual([]);
  });

  test('makes the subtasks of each item', () => {
    const subtasks: Task[] = [
      { id: 'a', description: 'A {{item}}' },
      { id: 'b', description: 'B {{a}}', dependencies: ['a'] },
    ];
    const { kernel, give } = streaming({ description: undefined as never, subtasks });
    give(2, true);
    expect(kernel.graph.tasks.map(({ id }) => id)).toEqual([
      'each',
      ...['each[0]', 'each[0].a', 'each[0].b'],
      ...['each[1]', 'each[1].a', 'each[1].b'],
    ]);
  });
});

test('a simulation whose reads return nothing is refused: it would read forever', () => {
  const tasks: Task[] = [{ id: 'each', description: 'Read {{item}}', forEach: { stream } }];
  const simulating = (read: SimulateOptions['read']) => () =>
    simulate({ goal: 'x', tasks }, { strategy: inOrder, read });
  const message = 'must return items, an error or the end of the stream; task "each" would read';
  expect(simulating(() => ({ durationMs: 0 }))).toThrow(message);
  expect(simulating(() => ({ durationMs: 0, isEnd: true }))).not.toThrow();
});
