import {
  createExecutor,
  createPlan,
  isStratagemError,
  memoryJournal,
  type TaskRunner,
  tool,
} from '@stratagem/core';
import {
  type Coordinator,
  controlRun,
  startCoordinator,
  submitRun,
} from '@stratagem/core/coordinator';
import { memoryRunQueue } from '@stratagem/core/journal';
import { parallel } from '@stratagem/parallel';
import { afterEach, expect, test } from 'vitest';
import { type LiveRun, startLiveRun } from '../../test/live-run.js';
import { type RunServer, type ServeOptions, serveRuns } from '../index.js';
import { applyDelta, type ModelDelta } from '../model/delta.js';
import type { RunModel } from '../model/run-model.js';

const TOKEN = 'token-of-the-tests';
let server: RunServer | undefined;
let live: LiveRun | undefined;

afterEach(async () => {
  live?.run.cancel();
  await server?.close();
  [server, live] = [undefined, undefined];
});

async function start(options: ServeOptions = {}): Promise<string> {
  server = await serveRuns({ token: TOKEN, ...options });
  return new URL(server.url).origin;
}

async function startWithRun(options: ServeOptions = {}): Promise<[string, LiveRun]> {
  const origin = await start(options);
  live = startLiveRun(options.journal);
  server?.attach(live.run);
  return [origin, live];
}

const cookieOf = (origin: string) => `stratagem-${new URL(origin).port}=${TOKEN}`;

function get(origin: string, path: string, headers: Record<string, string> = {}) {
  return fetch(origin + path, { headers: { cookie: cookieOf(origin), ...headers } });
}

function post(
  origin: string,
  runId: string,
  action: unknown,
  headers: Record<string, string> = {},
) {
  return fetch(`${origin}/api/runs/${runId}/actions`, {
    method: 'POST',
    headers: { cookie: cookieOf(origin), origin, ...headers },
    body: typeof action === 'string' ? action : JSON.stringify(action),
  });
}

interface Message {
  readonly event: string;
  readonly id: string;
  readonly delta: ModelDelta;
  readonly extras: { readonly controls: readonly string[] };
}

/** The messages of a stream, until a test has enough. */
async function* messages(
  origin: string,
  path: string,
  headers?: Record<string, string>,
): AsyncGenerator<Message> {
  const response = await get(origin, path, headers);
  let text = '';
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += piece;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const field = (name: string) =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? '';
      const data = field('data');
      if (data === '') continue;
      yield { event: field('event'), id: field('id'), ...JSON.parse(data) };
    }
  }
}

/** The model of a page, as soon as it is as wanted. */
async function modelWhen(
  stream: AsyncGenerator<Message>,
  isWanted: (model: RunModel) => boolean,
  before?: RunModel,
): Promise<{ readonly model: RunModel; readonly last: Message }> {
  let model = before;
  for (;;) {
    const { value, done } = await stream.next();
    if (done) throw new Error('the stream has ended');
    model = applyDelta(value.event === 'reset' ? undefined : model, value.delta);
    if (isWanted(model)) return { model, last: value };
  }
}

const statusOf = (model: RunModel, id: string) =>
  model.tasks.find((task) => task.id === id)?.status;

test('without the token, nothing is shown', async () => {
  const origin = await start();
  for (const path of ['/', '/app.js', '/api/events', '/?token=wrong-token-of-the-tests']) {
    const response = await fetch(origin + path);
    expect(response.status).toBe(401);
    expect(await response.text()).toContain('Open the address that stratagem printed');
  }
  const other = await fetch(`${origin}/app.js`, { headers: { cookie: `${cookieOf(origin)}x` } });
  expect(other.status).toBe(401);
});

test('the token in the address becomes a cookie that scripts and other sites cannot use', async () => {
  const origin = await start();
  expect(server?.url).toBe(`${origin}/?token=${TOKEN}`);
  const response = await fetch(server?.url ?? '');
  expect(response.status).toBe(200);
  const cookie = response.headers.get('set-cookie') ?? '';
  expect(cookie).toContain(cookieOf(origin));
  expect(cookie).toContain('HttpOnly');
  expect(cookie).toContain('SameSite=Strict');
  expect(response.headers.get('content-security-policy')).toContain("script-src 'self'");
  expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect((await get(origin, '/app.js')).headers.get('content-type')).toBe('text/javascript');
});

test.each([
  ['another name of this machine', { host: 'evil.example' }, 421],
  ['a page of another site', { origin: 'http://evil.example' }, 403],
  ['a page of another port', { origin: 'http://127.0.0.1:1' }, 403],
  ['a form of another site', { 'sec-fetch-site': 'cross-site' }, 403],
])('%s cannot change a run, even with the cookie', async (_, headers, status) => {
  const [origin, { run }] = await startWithRun();
  const { request } = await import('node:http');
  const url = new URL(`${origin}/api/runs/${run.runId}/actions`);
  const code = await new Promise((resolve, reject) => {
    // fetch() does not send another Host.
    const sent = request(url, {
      method: 'POST',
      headers: { cookie: cookieOf(origin), origin, ...headers },
    });
    sent.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
    sent.end(JSON.stringify({ control: 'cancel' }));
  });
  expect(code).toBe(status);
});

test('a change needs to come from a page, and never happens by GET', async () => {
  const [origin, { run }] = await startWithRun();
  const path = `/api/runs/${run.runId}/actions`;
  const without = await fetch(origin + path, {
    method: 'POST',
    headers: { cookie: cookieOf(origin) },
    body: JSON.stringify({ control: 'cancel' }),
  });
  expect(without.status).toBe(403);
  expect((await get(origin, `${path}?control=cancel`)).status).toBe(404);
  for (const body of [
    '',
    '{',
    '5',
    '{"control":"drop"}',
    '{"control":"setMaxParallel","maxParallel":"x"}',
  ]) {
    expect((await post(origin, run.runId, body)).status).toBe(400);
  }
  expect((await post(origin, 'nobody', { control: 'cancel' })).status).toBe(404);
});

test('a page follows a run: starts, texts, completions and its end', async () => {
  const [origin, { run, finish }] = await startWithRun();
  const stream = messages(origin, `/api/runs/${run.runId}/events`);
  const first = await modelWhen(stream, (model) => statusOf(model, 'list') === 'running');
  expect(first.last.event).toBe('reset');
  expect(first.model).toMatchObject({ goal: 'Index four documents', isLive: true });
  expect(first.last.extras.controls).toEqual(
    expect.arrayContaining(['cancel', 'pause', 'resume', 'setMaxParallel', 'approve', 'answer']),
  );
  const task = await get(origin, `/api/runs/${run.runId}/task?id=list`);
  expect(await task.json()).toMatchObject({
    prompt: { text: 'List the documents' },
    partial: { text: 'Working on list…' },
  });
  finish('list');
  const second = await modelWhen(
    stream,
    (model) => statusOf(model, 'read-b') === 'running',
    first.model,
  );
  expect(second.last.event).toBe('change');
  expect(second.model.figures).toMatchObject({ peak: 2, outputTokens: 20 });
  run.cancel();
  const end = await modelWhen(stream, ({ isLive }) => !isLive, second.model);
  expect(end.model.status).toBe('canceled');
});

test('a stream that broke goes on with what changed meanwhile', async () => {
  const [origin, { run, finish }] = await startWithRun();
  const path = `/api/runs/${run.runId}/events`;
  const stream = messages(origin, path);
  const { model, last } = await modelWhen(stream, (each) => statusOf(each, 'list') === 'running');
  await stream.return(undefined);
  finish('list');
  const again = messages(origin, path, { 'last-event-id': last.id });
  const { model: after, last: change } = await modelWhen(
    again,
    (each) => statusOf(each, 'read-a') === 'running',
    model,
  );
  expect(change.event).toBe('change');
  expect(after.tasks).toHaveLength(8);
  expect(change.delta.tasks.length).toBeLessThan(8);
  const unknown = messages(origin, path, { 'last-event-id': 'other.7' });
  expect((await unknown.next()).value.event).toBe('reset');
});

test('every control does what it says', async () => {
  const [origin, { run, finish }] = await startWithRun();
  const act = async (action: object) => (await post(origin, run.runId, action)).status;
  const stream = messages(origin, `/api/runs/${run.runId}/events`);
  finish('list');
  let { model } = await modelWhen(stream, (each) => statusOf(each, 'read-b') === 'running');
  const until = async (isWanted: (model: RunModel) => boolean) => {
    ({ model } = await modelWhen(stream, isWanted, model));
  };

  expect(await act({ control: 'setMaxParallel', maxParallel: 3 })).toBe(204);
  await until((each) => statusOf(each, 'read-c') === 'running');
  expect(model.caps.at(-1)?.[1]).toBe(3);

  expect(await act({ control: 'pause' })).toBe(204);
  await until(({ isPaused }) => isPaused);
  finish('read-a');
  await until((each) => statusOf(each, 'publish') === 'waiting');
  expect(statusOf(model, 'read-d')).toBe('pending');
  expect(await act({ control: 'resume' })).toBe(204);
  await until((each) => statusOf(each, 'read-d') === 'running');
  expect(model.holds).toHaveLength(1);

  expect(await act({ control: 'approve', taskId: 'publish' })).toBe(204);
  await until((each) => statusOf(each, 'title') === 'waiting');
  expect(await act({ control: 'approve', taskId: 'publish' })).toBe(409);
  expect(await act({ control: 'answer', taskId: 'title', answer: 'Pages' })).toBe(204);
  await until((each) => statusOf(each, 'title') === 'completed');

  expect(await act({ control: 'cancel' })).toBe(204);
  await until(({ isLive }) => !isLive);
  expect(await act({ control: 'pause' })).toBe(409);
});

test('a recorded run can be interrupted, and is shown as interrupted', async () => {
  const [origin, { run }] = await startWithRun({ journal: memoryJournal() });
  const stream = messages(origin, `/api/runs/${run.runId}/events`);
  const { model, last } = await modelWhen(stream, (each) => statusOf(each, 'list') === 'running');
  expect(last.extras.controls).toContain('interrupt');
  await post(origin, run.runId, { control: 'interrupt' });
  const end = await modelWhen(stream, ({ isLive }) => !isLive, model);
  expect(end.model.status).toBe('interrupted');
});

test('a run without a journal cannot be interrupted', async () => {
  const [origin, { run }] = await startWithRun();
  const stream = messages(origin, `/api/runs/${run.runId}/events`);
  const { last } = await modelWhen(stream, () => true);
  expect(last.extras.controls).not.toContain('interrupt');
});

test('a question can be rejected with a reason', async () => {
  const [origin, { run, finish }] = await startWithRun();
  for (const id of ['list', 'read-a', 'read-b', 'read-c', 'read-d']) finish(id);
  const stream = messages(origin, `/api/runs/${run.runId}/events`);
  const { model } = await modelWhen(stream, (each) => statusOf(each, 'publish') === 'waiting');
  expect(model.tasks.find(({ id }) => id === 'publish')?.question).toContain('Publish four pages?');
  await post(origin, run.runId, { control: 'reject', taskId: 'publish', reason: 'not yet' });
  const { tasks } = await run;
  expect(tasks.find(({ id }) => id === 'publish')?.error?.message).toContain('not yet');
});

test('calls of tools are shown with their input, and decided one by one', async () => {
  const origin = await start();
  const remove = tool({
    name: 'remove',
    description: 'Removes a file.',
    inputSchema: { type: 'object' },
    needsApproval: true,
    execute: (input) => `${(input as { path: string }).path} is gone`,
  });
  const runner: TaskRunner = {
    name: 'model',
    supportsTools: true,
    async run({ tools: [first] = [] }) {
      const calls = ['a.txt', 'b.txt'].map((path) => first?.call({ path }, `call-${path}`));
      return { output: (await Promise.all(calls)).map((result) => result?.text) };
    },
  };
  const plan = createPlan('Tidy').addTask({ id: 'tidy', description: 'Tidy.', tools: [remove] });
  const run = createExecutor({ strategy: parallel(), runner }).execute(plan);
  server?.attach(run);
  const stream = messages(origin, `/api/runs/${run.runId}/events`);
  const callsOf = (each: RunModel) => each.tasks[0]?.calls ?? [];
  const { model } = await modelWhen(stream, (each) => callsOf(each).length === 2);
  expect(callsOf(model)[1]).toMatchObject({ callId: 'call-b.txt', tool: 'remove' });
  expect(callsOf(model)[1]?.input).toContain('b.txt');
  const act = (action: object) => post(origin, run.runId, { taskId: 'tidy', ...action });
  expect((await act({ control: 'approve' })).status).not.toBe(204);
  await act({ control: 'approve', callId: 'call-b.txt' });
  const { model: later } = await modelWhen(stream, (each) => callsOf(each).length === 1, model);
  expect(callsOf(later)[0]?.callId).toBe('call-a.txt');
  await act({ control: 'reject', callId: 'call-a.txt', reason: 'keep it' });
  expect((await run).outputs.tidy).toEqual([
    'Error: a human rejected this call: keep it',
    'b.txt is gone',
  ]);
});

test('the journal is listed, and its runs are shown', async () => {
  const journal = memoryJournal();
  const earlier = startLiveRun(journal);
  earlier.finish('list', { error: new Error('no list') });
  await earlier.run;
  const [origin, { run }] = await startWithRun({ journal, journalName: '.stratagem' });
  expect(await (await get(origin, '/')).text()).toContain('data-journal=".stratagem"');
  const stream = messages(origin, '/api/events');
  let entries: { id: string; status: string; summary?: { spark: number[] } }[] = [];
  while (entries.length < 2 || entries[0]?.summary === undefined) {
    entries = Object.values((await stream.next()).value as object).filter(
      (each) => typeof each === 'object',
    );
  }
  expect(entries.map(({ id }) => id)).toEqual([run.runId, earlier.run.runId]);
  expect(entries.map(({ status }) => status)).toEqual(['running', 'failed']);
  expect(entries[1]?.summary?.spark).toHaveLength(54);
  const recorded = messages(origin, `/api/runs/${earlier.run.runId}/events`);
  const { model, last } = await modelWhen(recorded, () => true);
  expect(model).toMatchObject({ status: 'failed', isLive: false });
  expect(last.extras.controls).toEqual([]);
  const report = await get(origin, `/api/runs/${earlier.run.runId}/report`);
  expect(report.headers.get('content-disposition')).toMatch(
    /^attachment; filename="run-\w+\.html"$/,
  );
  expect(await report.text()).toContain('application/x-run');
  const found = await get(origin, `/api/runs/${earlier.run.runId}/search?text=READ%20document%20b`);
  expect(await found.json()).toEqual(['read-b']);
  const missing = messages(origin, '/api/runs/nobody/events');
  expect((await missing.next()).value.event).toBe('missing');
});

test('a run that somebody else writes into the journal is followed, too', async () => {
  const journal = memoryJournal();
  const origin = await start({ journal });
  live = startLiveRun(journal);
  const { runId } = live.run;
  await journal.list();
  live.finish('list');
  await new Promise<void>((resolve) => {
    const stop = live?.run[Symbol.asyncIterator]();
    void (async () => {
      for (let event = await stop?.next(); !event?.done; event = await stop?.next()) {
        if (event?.value?.type === 'task_completed') break;
      }
      resolve();
    })();
  });
  const stream = messages(origin, `/api/runs/${runId}/events`);
  const { model, last } = await modelWhen(stream, (each) => statusOf(each, 'list') === 'completed');
  expect(last.extras.controls).toEqual([]);
  live.finish('read-a');
  const later = await modelWhen(stream, (each) => statusOf(each, 'read-a') === 'completed', model);
  expect(later.model.isLive).toBe(true);
  expect((await post(origin, runId, { control: 'cancel' })).status).toBe(409);
});

test('a run that a coordinator carries out elsewhere is paused, answered and canceled on the page', async () => {
  const queue = memoryRunQueue();
  const plan = createPlan('Ask')
    .addTask({ id: 'publish', description: 'Publish?', waitFor: 'approval' })
    .addTask({
      id: 'count',
      description: 'How many?',
      waitFor: 'answer',
      outputSchema: { type: 'integer' } as never,
    })
    .addTask({ id: 'more', description: 'More?', waitFor: 'approval' });
  const runId = await submitRun(queue, plan);
  const coordinator = startCoordinator({
    queue,
    executor: createExecutor({ strategy: parallel() }),
    onError: (error) => expect.unreachable(String(error)),
  });
  const controlOf = (id: string) => controlRun(queue, id, { waitMs: 5_000 });
  const origin = await start({ journal: queue, controlOf });
  const stream = messages(origin, `/api/runs/${runId}/events`);
  const act = async (action: object) => (await post(origin, runId, action)).status;
  const { model, last } = await modelWhen(stream, (each) => statusOf(each, 'more') === 'waiting');
  expect(last.extras.controls).toEqual([
    ...['cancel', 'pause', 'resume', 'setMaxParallel', 'approve', 'answer', 'reject'],
    ...['cancelTask', 'skipTask'],
  ]);
  expect(await act({ control: 'pause' })).toBe(204);
  const paused = await modelWhen(stream, ({ isPaused }) => isPaused, model);
  expect(await act({ control: 'resume' })).toBe(204);
  expect(await act({ control: 'approve', taskId: 'publish' })).toBe(204);
  expect(await act({ control: 'answer', taskId: 'count', answer: '5' })).toBe(204);
  const wrong = await post(origin, runId, { control: 'answer', taskId: 'more', answer: 'x' });
  expect([wrong.status, await wrong.text()]).toEqual([
    409,
    expect.stringContaining('true or false'),
  ]);
  expect(await act({ control: 'cancel' })).toBe(204);
  const end = await modelWhen(stream, ({ isLive }) => !isLive, paused.model);
  expect(end.model.status).toBe('canceled');
  expect(statusOf(end.model, 'count')).toBe('completed');
  expect(end.last.extras.controls).toEqual([]);
  expect(await act({ control: 'pause' })).toBe(409);
  await coordinator.stop();
});

test('what no coordinator can do now is stored, and the page says so', async () => {
  const queue = memoryRunQueue();
  const plan = createPlan('Ask').addTask({ id: 'a', description: 'May it?', waitFor: 'approval' });
  const runId = await submitRun(queue, plan);
  let coordinator: Coordinator | undefined;
  const asked = new Promise<void>((resolve) => {
    coordinator = startCoordinator({
      queue,
      executor: createExecutor({ strategy: parallel() }),
      async onRun(run) {
        for await (const { type } of run) if (type === 'task_waiting') resolve();
      },
      onError: (error) => expect.unreachable(String(error)),
    });
  });
  await asked;
  await coordinator?.stop();
  const controlOf = (id: string) => controlRun(queue, id, { waitMs: 1 });
  const origin = await start({ journal: queue, controlOf });
  const response = await post(origin, runId, { control: 'pause' });
  expect(response.status).toBe(409);
  expect(await response.text()).toContain('This is stored: a coordinator that carries the run out');
  expect(await queue.requests([runId])).toHaveLength(1);
});

test('many recorded runs can be looked at, one after another', async () => {
  const journal = memoryJournal();
  const ids: string[] = [];
  for (let count = 0; count < 25; count++) {
    const { run, finish } = startLiveRun(journal);
    finish('list', { error: new Error('no list') });
    await run;
    ids.push(run.runId);
  }
  const origin = await start({ journal });
  for (const id of [...ids, ...ids]) {
    const response = await get(origin, `/api/runs/${id}/task?id=list`);
    expect(await response.json()).toMatchObject({ prompt: { text: 'List the documents' } });
  }
});

test('what failed can run again, where the server was told how', async () => {
  const journal = memoryJournal();
  const failed = startLiveRun(journal);
  failed.finish('list', { error: new Error('no list') });
  await failed.run;
  const { runId } = failed.run;
  const again = startLiveRun();
  const origin = await start({ journal, retry: async () => ({ run: again.run }) });
  const stream = messages(origin, `/api/runs/${runId}/events`);
  const { last } = await modelWhen(stream, ({ isLive }) => !isLive);
  expect(last.extras.controls).toEqual(['retryFailed']);
  expect((await post(origin, runId, { control: 'retryFailed' })).status).toBe(204);
  const other = messages(origin, `/api/runs/${again.run.runId}/events`);
  await modelWhen(other, ({ isLive }) => isLive);
  again.run.cancel();
});

test('a server that cannot listen says so, and a bad option is an error', async () => {
  const origin = await start();
  await expect(serveRuns({ port: Number(new URL(origin).port) })).rejects.toThrow(/EADDRINUSE/);
  for (const options of [{ tokn: 'x' }, { token: 'short' }]) {
    const error = await serveRuns(options as never).catch((thrown: unknown) => thrown);
    expect(isStratagemError(error)).toBe(true);
  }
});

test('closing ends the streams of all pages', async () => {
  const [origin, { run }] = await startWithRun();
  const stream = messages(origin, `/api/runs/${run.runId}/events`);
  await stream.next();
  expect(server?.pages).toBe(1);
  await server?.close();
  await expect(
    (async () => {
      for await (const _ of stream);
    })(),
  ).rejects.toThrow();
});
