import { describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { planOf, runnerOf, taskOf } from '../../test/runs.js';
import { executorWith } from '../../test/steps.js';
import { createPlan } from '../contract/plan-builder.js';
import { formatProblem } from '../contract/plan-error.js';
import type { Task } from '../contract/task.js';
import { memoryJournal } from '../journal/memory-journal.js';
import { validatePlan } from '../validate/plan.js';

/** Files in memory, and how often each was written. */
function memoryFiles() {
  const files = new Map<string, string | Uint8Array>();
  const writes: string[] = [];
  const write = async (path: string, content: string | Uint8Array) => {
    writes.push(path);
    files.set(path, content);
  };
  return { files, writes, option: { write } };
}

describe('a task that saves its output', () => {
  test('writes text as it is, and other values as JSON', async () => {
    const { files, option } = memoryFiles();
    const plan = planOf(
      { id: 'a', run: () => 'Hello', save: 'a.md' },
      { id: 'b', run: () => ({ n: 1 }), save: 'out/b.json' },
      { id: 'c', run: () => new Uint8Array([1, 2]), save: 'c.bin' },
      { id: 'd', run: () => undefined, save: 'd.txt' },
    );
    const result = await executorWith({ files: option }).execute(plan);
    expect([...files]).toEqual([
      ['a.md', 'Hello'],
      ['out/b.json', '{\n  "n": 1\n}\n'],
      ['c.bin', new Uint8Array([1, 2])],
    ]);
    expect(taskOf(result, 'b').savedTo).toBe('out/b.json');
    expect(taskOf(result, 'd').error?.code).toBe('invalid_output');
  });

  test('writes a file for each item, and never two to one', async () => {
    const { files, option } = memoryFiles();
    const items = [{ id: 'x' }, { id: 'y' }, { id: 'X' }];
    const plan = planOf(
      { id: 'list', run: () => items },
      {
        id: 'each',
        dependencies: ['list'],
        forEach: { items: 'list', minSuccess: 2 },
        run: ({ item }) => item.id,
        save: 'out/{{item.id}}.md',
      },
    );
    const result = await executorWith({ files: option }).execute(plan);
    expect([...files.keys()]).toEqual(['out/x.md', 'out/y.md']);
    expect(taskOf(result, 'each[2]').error).toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('"out/X.md" is already that of "each[0]"'),
    });
  });

  test('never writes the outputs of two tasks to one file, although they look like iterations', async () => {
    const plan = planOf(
      { id: 'path', run: () => 'x.md' },
      { id: 'issue#1', run: () => 1, save: '{{path}}', dependencies: ['path'] },
      { id: 'issue#2', run: () => 2, save: '{{path}}', dependencies: ['path'] },
    );
    const { writes, option } = memoryFiles();
    const result = await executorWith({ files: option, maxParallel: 1 }).execute(plan);
    expect(writes).toEqual(['x.md']);
    expect(taskOf(result, 'issue#2').error?.message).toContain('already that of "issue#1"');
  });

  test.each(['../x', '/etc/x', 'a/../../x', 'C:x', 'a\\b', 'a//b', './x', 'nul', 'a.', ''])(
    'does not leave its folder by the path %j, written or filled in',
    async (path) => {
      const { writes, option } = memoryFiles();
      const problems = validatePlan(planOf({ id: 'a', run: () => 1, save: path }));
      expect(problems).toMatchObject([{ path: ['tasks', 0, 'save'] }]);
      const plan = planOf(
        { id: 'p', run: () => path },
        { id: 'a', run: () => 1, save: '{{p}}', dependencies: ['p'] },
      );
      const result = await executorWith({ files: option }).execute(plan);
      expect(taskOf(result, 'a').error?.code).toBe('invalid_input');
      expect(writes).toEqual([]);
    },
  );

  test.each([
    [
      [
        { id: 'a', run: () => 1, save: 'x.md' },
        { id: 'b', run: () => 1, save: 'X.md' },
      ],
      'tasks[1].save: "X.md" is already written by "a"; each file has one task',
    ],
    [
      [
        { id: 'l', run: () => [1] },
        { id: 'a', forEach: 'l', dependencies: ['l'], run: () => 1, save: 'x.md' },
      ],
      'tasks[1].save: is one file for all items; add {{index}} or a part of {{item}} to the path',
    ],
    [
      [{ id: 'a', description: 'x', waitFor: 'answer', save: 'x' }],
      expect.stringContaining('waits for a human'),
    ],
    [
      [{ id: 'a', save: 'x', subtasks: [{ id: 'b', run: () => 1 }] }],
      expect.stringContaining('only has subtasks'),
    ],
    [
      [{ id: 'a', run: () => 1, save: '{{b}}.md' }],
      expect.stringContaining('{{b}} is not an input'),
    ],
  ])('refuses %j', (tasks, problem) => {
    const problems = validatePlan(planOf(...(tasks as Task[])));
    expect(problems.map(formatProblem)).toContainEqual(problem);
  });

  test('fails when the file cannot be written, and counts what the answer has cost', async () => {
    const files = { write: () => Promise.reject(new Error('disk full')) };
    const usage = { inputTokens: 5, outputTokens: 5 };
    const runner = { name: 'r', run: async () => ({ output: 'x', usage }) };
    const plan = planOf({ id: 'a', description: 'x', save: 'a.md' });
    const result = await executorWith({ runner, files }).execute(plan);
    expect(taskOf(result, 'a')).toMatchObject({ attempts: 1, error: { code: 'task_failed' } });
    expect(taskOf(result, 'a').error?.message).toContain('could not be saved to "a.md": disk full');
    expect(result.metrics.usage.inputTokens).toBe(5);
  });

  test('has no secrets in the file', async () => {
    vi.stubEnv('STEP_TOKEN', 'hunter22');
    const { files, option } = memoryFiles();
    const inputs = z.object({ token: z.string().meta({ secret: true, env: 'STEP_TOKEN' }) });
    const plan = createPlan('x', { inputs }).addTask({
      id: 'a',
      run: ({ inputs: { token } }) => `the token is ${token}`,
      save: 'a.txt',
    });
    await executorWith({ files: option }).execute(plan, { inputs: {} as never });
    expect(files.get('a.txt')).toBe('the token is [secret]');
    vi.unstubAllEnvs();
  });

  test('has its file once it is complete, also after a crash and when it is reused', async () => {
    const journal = memoryJournal();
    const plan = planOf(
      { id: 'a', description: 'x', save: 'a.md' },
      { id: 'b', description: 'y', save: '{{a}}.md', dependencies: ['a'] },
    );
    const { runner } = runnerOf({ a: 'b', b: 'second' });
    // The process ends after the file was written and before the completion is recorded.
    const crashed = memoryFiles();
    const files = {
      write: async (path: string, content: string | Uint8Array) => {
        await crashed.option.write(path, content);
        if (path === 'b.md') await new Promise(() => {});
      },
    };
    const run = executorWith({ runner, journal, files }).execute(plan, { runId: 'r' });
    await vi.waitFor(() => expect(crashed.writes).toEqual(['a.md', 'b.md']));
    await run.interrupt();
    const later = memoryFiles();
    const resumed = await executorWith({ runner, journal, files: later.option }).resume('r');
    expect([resumed.status, later.writes]).toEqual(['completed', ['b.md']]);
    const reused = memoryFiles();
    const executor = executorWith({ runner, journal, files: reused.option, reuse: true });
    const again = await executor.execute(plan);
    expect([again.tasks.every((task) => task.reused), reused.writes]).toEqual([
      true,
      ['a.md', 'b.md'],
    ]);
  });

  test('remembers the files of a run that is resumed', async () => {
    const journal = memoryJournal();
    const task = (id: string, save: string): Task => ({
      id,
      description: 'x',
      save,
      dependencies: id === 'b' ? ['a'] : [],
    });
    const plan = planOf(task('a', 'a.md'), task('b', '{{a}}'));
    let isStuck = true;
    const runner = {
      name: 'r',
      run: ({ taskId }: { taskId: string }) =>
        taskId === 'b' && isStuck
          ? new Promise<{ output: string }>(() => {})
          : Promise.resolve({ output: 'A.md' }),
    };
    const options = { runner, journal, files: memoryFiles().option };
    const run = executorWith(options).execute(plan, { runId: 'r' });
    for await (const event of run) if (event.type === 'task_started' && event.taskId === 'b') break;
    await run.interrupt();
    isStuck = false;
    const resumed = await executorWith(options).resume('r');
    expect(taskOf(resumed, 'b').error?.message).toContain('already that of "a"');
  });
});
