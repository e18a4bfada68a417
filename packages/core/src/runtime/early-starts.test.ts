import { setImmediate } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { deferred, inOrder } from '../../test/runs.js';
import { RunnerError } from '../contract/errors.js';
import type { Journal, RunJournal } from '../contract/journal.js';
import type { Plan } from '../contract/plan.js';
import type { TaskRunner } from '../contract/runner.js';
import { Graph } from '../graph/graph.js';
import { memoryJournal } from '../journal/memory-journal.js';
import type { Command } from '../kernel/command.js';
import { dropAborted } from './commands.js';
import { takeEarlyStarts } from './early-starts.js';
import { createExecutor } from './executor.js';

type Disk = ReturnType<typeof deferred<void>>;

type Append = RunJournal['append'];

/** A journal in memory that appends in another way. */
function journalWith(appendWith: (append: Append) => Append): Journal {
  const inner = memoryJournal();
  return {
    ...inner,
    async create(run) {
      const created = await inner.create(run);
      return {
        runId: created.runId,
        close: () => created.close(),
        append: appendWith((...given) => created.append(...given)),
      };
    },
  };
}

/** A journal whose events are written at once, and on the disk when the test says so. */
function slowDisk() {
  const flushes: Disk[] = [];
  const journal = journalWith((append) => (events, onWritten) => {
    append(events);
    const flush = deferred<void>();
    flushes.push(flush);
    onWritten?.();
    return flush.promise;
  });
  return { journal, flushes };
}

/** Answers when the test says so. */
function asked() {
  const prompts: string[] = [];
  const answers = new Map<string, ReturnType<typeof deferred<{ output: string }>>>();
  const aborted: string[] = [];
  const runner: TaskRunner = {
    name: 'asked',
    run({ taskId }, { signal }) {
      prompts.push(taskId);
      const answer = deferred<{ output: string }>();
      answers.set(taskId, answer);
      signal.addEventListener('abort', () => {
        aborted.push(taskId);
        answer.reject(signal.reason);
      });
      return answer.promise;
    },
  };
  const answer = (taskId: string) => answers.get(taskId)?.resolve({ output: taskId });
  return { runner, prompts, answer, aborted };
}

/** Loading code takes its time on a busy machine. */
function until(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 30_000, interval: 5 });
}

async function settle() {
  for (let turn = 0; turn < 50; turn++) await setImmediate();
}

async function begun(tasks: Plan['tasks'], options: object = {}) {
  const disk = slowDisk();
  const model = asked();
  const events: string[] = [];
  const executor = createExecutor({
    ...{ strategy: inOrder, runner: model.runner, journal: disk.journal, maxParallel: 1 },
    onEvent: ({ type }) => events.push(type),
    ...options,
  });
  const run = executor.execute({ goal: 'g', tasks });
  let flushed = 0;
  /** The next events are written. */
  const written = async () => {
    await until(() => expect(disk.flushes).toHaveLength(flushed + 1));
    await settle();
  };
  /** They are on the disk. */
  const flush = async () => {
    disk.flushes[flushed++]?.resolve();
    await settle();
  };
  await written();
  return { ...disk, ...model, run, events, written, flush };
}

describe('while the events of a step are written, but not on the disk yet,', () => {
  test('nothing of a new run starts', async () => {
    const { prompts, flush } = await begun([{ id: 'a', description: 'A' }]);
    expect(prompts).toEqual([]);
    await flush();
    await until(() => expect(prompts).toEqual(['a']));
  });

  test('a task without dependencies starts, and nobody hears of an event', async () => {
    const { prompts, answer, events, written, flush, run } = await begun([
      { id: 'a', description: 'A' },
      { id: 'b', description: 'B' },
    ]);
    await flush();
    await until(() => expect(prompts).toEqual(['a']));
    answer('a');
    await written();
    await until(() => expect(prompts).toEqual(['a', 'b']));
    expect(events).not.toContain('task_completed');
    await flush();
    const heard = () => events.filter((type) => type !== 'run_started').slice(-2);
    await until(() => expect(heard()).toEqual(['task_completed', 'task_started']));
    answer('b');
    await written();
    await flush();
    expect((await run).status).toBe('completed');
    expect(prompts).toEqual(['a', 'b']);
  });

  test.each<[string, Plan['tasks'][number]]>([
    ['that depends on another', { id: 'b', description: 'B', dependencies: ['a'] }],
    ['that is a function', { id: 'b', run: () => prompt('b') }],
    [
      'within a group that depends on another',
      {
        ...{ id: 'g', description: '', dependencies: ['a'] },
        subtasks: [{ id: 'b', description: 'B' }],
      },
    ],
  ])('no task starts %s', async (_, task) => {
    seen.length = 0;
    const { prompts, answer, written, flush } = await begun([{ id: 'a', description: 'A' }, task]);
    await flush();
    await until(() => expect(prompts).toEqual(['a']));
    answer('a');
    await written();
    expect([...prompts, ...seen]).toEqual(['a']);
    await flush();
    await until(() => expect([...prompts, ...seen]).toEqual(['a', 'b']));
  });

  test('an attempt that has started ends with the run when the disk fails', async () => {
    const { aborted, prompts, answer, flushes, written, flush, run } = await begun([
      { id: 'a', description: 'A' },
      { id: 'b', description: 'B' },
    ]);
    await flush();
    await until(() => expect(prompts).toEqual(['a']));
    answer('a');
    await written();
    await until(() => expect(prompts).toEqual(['a', 'b']));
    flushes.at(-1)?.reject(new Error('the disk is gone'));
    const result = await run;
    expect(result.error?.code).toBe('journal_failed');
    expect(aborted).toEqual(['b']);
    expect(result.tasks.map(({ status }) => status)).toEqual(['running', 'pending']);
  });
});

test('nothing starts when a journal says that events are written after it has failed', async () => {
  const late: (() => void)[] = [];
  let appends = 0;
  const journal = journalWith((append) => async (events, onWritten) => {
    if (++appends === 1) return append(events);
    if (onWritten !== undefined) late.push(onWritten);
    throw new Error('no answer from the disk');
  });
  const model = asked();
  const executor = createExecutor({
    ...{ strategy: inOrder, runner: model.runner, journal, maxParallel: 1 },
  });
  const run = executor.execute({
    goal: 'g',
    tasks: [
      { id: 'a', description: 'A' },
      { id: 'b', description: 'B' },
    ],
  });
  await until(() => expect(model.prompts).toEqual(['a']));
  model.answer('a');
  expect((await run).error?.code).toBe('journal_failed');
  for (const say of late) say();
  expect(late).toHaveLength(1);
  expect(model.prompts).toEqual(['a']);
});

test('any number of starts may come at once, early or late', () => {
  const size = 150_000;
  const tasks = Array.from({ length: size }, (_, n) =>
    n === 0 ? { id: 'a', description: '' } : { id: `${n}`, run: () => n },
  );
  const graph = new Graph(tasks);
  const commands = tasks.map(
    (_, index): Command => ({
      ...{ type: 'start', index, attempt: 1 },
      ...{ deadline: undefined, isAttached: false },
    }),
  );
  expect(takeEarlyStarts({ commands, graph }, size)).toMatchObject([{ index: 0 }]);
  expect(commands).toHaveLength(size - 1);
  commands.push({ type: 'abort', index: 1, attempt: 1, error: new RunnerError('timeout', 'late') });
  dropAborted(commands);
  expect(commands).toHaveLength(size - 1);
  expect(commands[0]).toMatchObject({ type: 'start', index: 2 });
});

const seen: string[] = [];

function prompt(id: string) {
  seen.push(id);
  return id;
}
