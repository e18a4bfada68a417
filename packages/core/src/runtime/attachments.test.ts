import { mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inOrder } from '../../test/runs.js';
import type { RequestAttachment } from '../contract/attachment.js';
import type { RunEvent } from '../contract/event.js';
import { createPlan } from '../contract/plan-builder.js';
import type { TaskRequest, TaskRunner } from '../contract/runner.js';
import { memoryJournal } from '../journal/memory-journal.js';
import { readRun } from '../journal/read-run.js';
import { createExecutor } from './executor.js';

const PNG = Uint8Array.from(
  atob(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  ),
  (character) => character.charCodeAt(0),
);
const PDF = new TextEncoder().encode('%PDF-1.7\nhello\n%%EOF');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stratagem-attach-'));
  writeFileSync(join(folder, 'chart.png'), PNG);
  writeFileSync(join(folder, 'paper.pdf'), PDF);
  writeFileSync(join(folder, 'notes.md'), '# Notes');
});
afterEach(() => rmSync(folder, { recursive: true }));

const TYPES = ['image/png', 'application/pdf', 'text/*'].map((type) => `attachments.${type}`);

/** A runner that keeps its requests. */
function camera(answer: (request: TaskRequest) => unknown = () => 'seen') {
  const requests: TaskRequest[] = [];
  const runner: TaskRunner = {
    name: 'camera',
    supportedOptions: TYPES,
    async run(request) {
      requests.push(request);
      return { output: answer(request) };
    },
  };
  return { runner, requests };
}

function executorOf(runner: TaskRunner, more: object = {}) {
  const attachments = { directory: folder };
  return createExecutor({ strategy: inOrder, runner, attachments, ...more });
}

const shown = (list: readonly RequestAttachment[] = []) =>
  list.map(({ filename, mediaType, data, url }) => ({
    ...{ filename, mediaType },
    ...(data === undefined ? { url } : { data: Buffer.from(data).toString('latin1').slice(0, 8) }),
  }));
const attachmentsIn = (timeline: readonly RunEvent[]) =>
  timeline.filter((event) => event.type === 'task_output' && event.kind === 'attachment');

describe('a task with attachments', () => {
  test('runs on when its run cannot be interrupted, for want of a journal', async () => {
    const run = executorOf(camera().runner).execute({
      goal: 'x',
      tasks: [{ id: 'a', description: 'x', attachments: ['chart.png'] }],
    });
    expect(() => run.interrupt()).toThrow('needs a journal');
    expect((await run).status).toBe('completed');
  });

  test('gives them to its runner: files, addresses and bytes', async () => {
    const { runner, requests } = camera();
    const plan = createPlan('x').addTask({
      id: 'a',
      description: 'Describe them.',
      attachments: [
        'chart.png',
        { path: 'notes.md', filename: 'all.md' },
        'https://example.com/a%20b.pdf?x=1',
        { data: PDF, filename: 'mine.pdf' },
      ],
    });
    const result = await executorOf(runner).execute(plan).orThrow();
    expect(shown(requests[0]?.attachments)).toEqual([
      { filename: 'chart.png', mediaType: 'image/png', data: '\x89PNG\r\n\x1a\n' },
      { filename: 'all.md', mediaType: 'text/markdown', data: '# Notes' },
      {
        filename: 'a b.pdf',
        mediaType: 'application/pdf',
        url: 'https://example.com/a%20b.pdf?x=1',
      },
      { filename: 'mine.pdf', mediaType: 'application/pdf', data: '%PDF-1.7' },
    ]);
    expect(requests[0]?.attachments?.[0]).toMatchObject({
      size: PNG.length,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const events = attachmentsIn(result.timeline);
    expect(events).toMatchObject([
      { taskId: 'a', source: 'chart.png', mediaType: 'image/png', size: PNG.length },
      { source: 'notes.md', filename: 'all.md' },
      { source: 'https://example.com/a%20b.pdf?x=1' },
      { source: 'mine.pdf', sha256: expect.any(String) },
    ]);
  });

  test('finds paths in the items of a fan-out, and bytes in outputs', async () => {
    const { runner, requests } = camera();
    const plan = createPlan('x')
      .addTask({ id: 'list', run: () => [{ path: 'chart.png' }, { path: 'paper.pdf' }] })
      .addTask({ id: 'draw', run: () => ({ png: PNG, both: ['notes.md', PNG] }) })
      .addTask({
        id: 'each',
        description: 'Describe it.',
        dependencies: ['list', 'draw'],
        forEach: 'list',
        attachments: ['{{item.path}}', '{{draw.png}}', { path: '{{draw.both}}' }],
      });
    await executorOf(runner).execute(plan).orThrow();
    const names = requests.map(({ attachments = [] }) => attachments.map((each) => each.filename));
    expect(names.sort()).toEqual([
      ['chart.png', 'data', 'notes.md', 'data'],
      ['paper.pdf', 'data', 'notes.md', 'data'],
    ]);
  });

  test('as a function finds them in its context', async () => {
    const plan = createPlan('x').addTask({
      id: 'a',
      attachments: ['chart.png'],
      run: (_, { attachments }) => shown(attachments),
    });
    const { runner } = camera();
    const { outputs } = await executorOf(runner).execute(plan).orThrow();
    expect(outputs.a).toMatchObject([{ filename: 'chart.png' }]);
  });

  test('knows types by the first bytes, whatever the name says', async () => {
    writeFileSync(join(folder, 'wrong.txt'), PNG);
    writeFileSync(join(folder, 'LICENSE'), 'You may.');
    const { runner, requests } = camera();
    const plan = createPlan('x').addTask({
      id: 'a',
      description: 'x',
      attachments: ['wrong.txt', 'LICENSE'],
    });
    await executorOf(runner).execute(plan).orThrow();
    expect(requests[0]?.attachments?.map(({ mediaType }) => mediaType)).toEqual([
      'image/png',
      'text/plain',
    ]);
  });
});

describe('before anything runs, a plan is refused for', () => {
  const refuse = async (attachment: unknown, more: object = {}) => {
    const { runner, requests } = camera();
    const plan = { goal: 'x', tasks: [{ id: 'a', description: 'x', attachments: [attachment] }] };
    try {
      await executorOf(runner, more).execute(plan as never);
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: 'invalid_plan' });
      expect(requests).toEqual([]);
      return (thrown as Error).message;
    }
    throw new Error('it was not refused');
  };

  test.each<[string, () => unknown, string]>([
    ['a missing file', () => 'none.png', 'task "a" is not there: there is no file'],
    ['a file outside of the folder', () => '../secret.png', 'is outside of'],
    ['an absolute path outside', () => '/etc/hosts', 'allowRead'],
    ['a folder', () => '.', 'is not a file'],
    ['two sources', () => ({ path: 'a', url: 'https://b.c' }), 'must be a path, an address'],
    ['an unknown field', () => ({ path: 'a', type: 'x' }), 'unknown field "type"'],
    ['a scheme that is none', () => 'file:///etc/hosts', 'is no http(s) address'],
    ['an address with a password', () => 'https://u:p@b.c/a.png', 'user name or password'],
    ['an address without a type', () => 'https://b.c/a', 'give its mediaType'],
    ['another type than it says', () => ({ path: 'chart.png', mediaType: 'image/jpeg' }), 'not'],
    ['a reference to nothing', () => '{{item.path}}', 'tasks[0].attachments[0]: {{item.path}}'],
    ['empty bytes', () => ({ data: new Uint8Array() }), 'is empty'],
  ])('%s', async (_, attachment, message) => {
    expect(await refuse(attachment())).toContain(message);
  });

  test('a file that is too large', async () => {
    const attachments = { directory: folder, maxBytes: 10 };
    expect(await refuse('chart.png', { attachments })).toContain(
      `has ${PNG.length} bytes, and attachments.maxBytes is 10`,
    );
  });

  test('a type that the runner does not take', async () => {
    writeFileSync(join(folder, 'a.zip'), 'PK\x03\x04');
    expect(await refuse('a.zip')).toContain(
      'tasks[0].attachments[0]: the attachment of task "a" is application/zip; ' +
        'the runner "camera" takes only image/png, application/pdf, text/*',
    );
  });

  test('a link that leads out of the folder', async () => {
    symlinkSync('/etc/hosts', join(folder, 'link.txt'));
    expect(await refuse('link.txt')).toContain('is outside of');
  });

  test('a runner without attachments', async () => {
    const runner: TaskRunner = { name: 'plain', run: async () => ({ output: 1 }) };
    expect(await refuse('chart.png', { runner })).toContain('takes no attachments');
  });
});

test('a folder that is allowed may be read', async () => {
  const other = mkdtempSync(join(tmpdir(), 'stratagem-other-'));
  writeFileSync(join(other, 'x.png'), PNG);
  const { runner, requests } = camera();
  const plan = createPlan('x').addTask({
    id: 'a',
    description: 'x',
    attachments: [join(other, 'x.png')],
  });
  const attachments = { directory: folder, allowRead: [other] };
  await executorOf(runner, { attachments }).execute(plan).orThrow();
  rmSync(other, { recursive: true });
  expect(requests[0]?.attachments).toHaveLength(1);
});

test('an attempt whose file is known only now fails, and names the task and the file', async () => {
  const { runner } = camera();
  const plan = createPlan('x')
    .addTask({ id: 'find', run: () => '../../etc/passwd' })
    .addTask({
      id: 'a',
      description: 'x',
      dependencies: ['find'],
      attachments: ['{{find}}'],
    });
  const result = await executorOf(runner).execute(plan);
  expect(result.tasks[1]?.error).toMatchObject({
    code: 'invalid_input',
    message: expect.stringContaining(
      'Task "a" failed: its attachment "../../etc/passwd" is outside of',
    ),
  });
});

test('a task that is added while the run is under way has attachments too', async () => {
  const { runner, requests } = camera();
  const plan = createPlan('x').addTask({
    id: 'a',
    run: (_, { addTasks }) => {
      addTasks([{ id: 'b', description: 'x', attachments: ['chart.png', { data: PDF }] }]);
    },
  });
  const journal = memoryJournal();
  const run = executorOf(runner, { journal }).execute(plan);
  await run.orThrow();
  expect(shown(requests[0]?.attachments)).toHaveLength(2);
  const added: unknown[] = [];
  for await (const event of readRun(journal, run.runId)) {
    if (event.type === 'tasks_added') added.push(event.tasks[0]?.attachments);
  }
  expect(added).toMatchObject([['chart.png', { size: PDF.length }]]);
});

describe('a journal', () => {
  const plan = () =>
    createPlan('x')
      .addTask({ id: 'a', description: 'A.', attachments: ['chart.png', { data: PDF }] })
      .addTask({ id: 'b', description: 'B.', attachments: ['chart.png', { data: PDF }] });

  test('has one copy of equal bytes, and no event shows any', async () => {
    const journal = memoryJournal();
    const { runner } = camera();
    const run = executorOf(runner, { journal }).execute(plan());
    const result = await run.orThrow();
    const stored: string[] = [];
    for await (const event of journal.read(run.runId)) stored.push(JSON.stringify(event));
    const copies = (bytes: Uint8Array) => {
      const base64 = Buffer.from(bytes).toString('base64');
      return stored.join('\n').split(base64).length - 1;
    };
    expect([copies(PNG), copies(PDF)]).toEqual([1, 1]);
    const events: RunEvent[] = [];
    for await (const event of readRun(journal, run.runId)) events.push(event);
    for (const shownEvents of [events, result.timeline]) {
      const text = JSON.stringify(shownEvents);
      expect(text).not.toContain(Buffer.from(PNG).toString('base64').slice(0, 40));
      expect(text).not.toContain('"data":');
      expect(attachmentsIn(shownEvents)).toHaveLength(4);
    }
  });

  test('lets a run be resumed without its files', async () => {
    const journal = memoryJournal();
    const first = camera(({ taskId }) => {
      if (taskId === 'a') throw new Error('not now');
      return 'seen';
    });
    const run = executorOf(first.runner, { journal }).execute(plan());
    expect((await run).status).toBe('failed');
    unlinkSync(join(folder, 'chart.png'));
    const second = camera();
    // The checks before a run know the copies, too.
    const resumed = executorOf(second.runner, { journal }).resume(run.runId, { retryFailed: true });
    expect((await resumed).status).toBe('completed');
    expect(second.requests.map(({ taskId }) => taskId)).toEqual(['a']);
    expect(shown(second.requests[0]?.attachments)).toEqual([
      { filename: 'chart.png', mediaType: 'image/png', data: '\x89PNG\r\n\x1a\n' },
      { filename: 'data', mediaType: 'application/pdf', data: '%PDF-1.7' },
    ]);
  });

  test.each(['a fork', 'a run under a changed plan'])('has a copy for %s, too', async (kind) => {
    const journal = memoryJournal();
    const failing = camera(({ taskId }) => {
      if (taskId === 'a') throw new Error('not now');
      return 'seen';
    });
    await executorOf(failing.runner, { journal }).execute(plan(), { runId: 'one' });
    unlinkSync(join(folder, 'chart.png'));
    const other = plan().addTask({ id: 'c', description: 'C.' });
    const next =
      kind === 'a fork'
        ? executorOf(failing.runner, { journal }).fork('one', { plan: other })
        : executorOf(failing.runner, { journal }).resume('one', {
            plan: other,
            acceptChanges: true,
          });
    expect((await next).status).toBe('failed');
    const last = camera();
    const options = { plan: other, retryFailed: true };
    const result = await executorOf(last.runner, { journal }).resume(next.runId, options);
    expect(result.status).toBe('completed');
    expect(last.requests.map(({ taskId }) => taskId)).toEqual(['a']);
    expect(shown(last.requests[0]?.attachments)[0]).toMatchObject({ data: '\x89PNG\r\n\x1a\n' });
  });

  test('is checked before a fork runs a task again whose file is gone', async () => {
    const journal = memoryJournal();
    const { runner, requests } = camera();
    await executorOf(runner, { journal }).execute(plan(), { runId: 'one' }).orThrow();
    unlinkSync(join(folder, 'chart.png'));
    const executor = executorOf(runner, { journal });
    const fork = executor.fork('one', { plan: plan(), tasks: ['a'] });
    await expect(fork.result).rejects.toThrow('the attachment of task "a" is not there');
    writeFileSync(join(folder, 'chart.png'), Buffer.concat([PNG, PNG]));
    await executor.fork('one', { plan: plan(), tasks: ['a'] }).orThrow();
    expect(requests.at(-1)?.attachments?.[0]).toMatchObject({ size: 2 * PNG.length });
  });

  test('reuses an answer for the same bytes alone', async () => {
    const journal = memoryJournal();
    const { runner, requests } = camera();
    const executor = executorOf(runner, { journal, reuse: true });
    await executor.execute(plan()).orThrow();
    await executor.execute(plan()).orThrow();
    expect(requests).toHaveLength(2);
    expect(await executor.explain(plan())).toMatchObject([{ runs: false }, { runs: false }]);
    writeFileSync(join(folder, 'chart.png'), Buffer.concat([PNG, PNG]));
    expect(await executor.explain(plan())).toMatchObject([{ runs: true }, { runs: true }]);
    await executor.execute(plan()).orThrow();
    expect(requests).toHaveLength(4);
  });
});

test.each<[object, string]>([
  [{ folder: 'x' }, 'has no option "folder"'],
  [{ directory: 1 }, 'directory must be the path of a folder'],
  [{ allowRead: 'x' }, 'allowRead must be a list of paths'],
  [{ maxBytes: 0 }, 'maxBytes must be an integer ≥ 1'],
])('options that make no sense are refused: %j', (attachments, message) => {
  expect(() => executorOf(camera().runner, { attachments })).toThrow(message);
});
