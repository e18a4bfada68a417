import { beforeEach, expect, test } from 'vitest';
import { StratagemError } from '../contract/errors.js';
import type { EventData } from '../contract/journal.js';
import type { ClaimedRun, RunQueue } from '../contract/run-queue.js';
import type { PendingRequest, RunAction, RunReply } from '../contract/run-request.js';
import type { RunHandle } from '../runtime/handle.js';
import { RequestDesk, type ServedRun } from './request-desk.js';

let pending: PendingRequest[];
let log: EventData[];
let replies: Map<string, RunReply>;
/** What was asked of the handle. */
let calls: string[];
let errors: unknown[];
let failingReplies: number;

beforeEach(() => {
  pending = [];
  log = [];
  replies = new Map();
  calls = [];
  errors = [];
  failingReplies = 0;
});

const queue = {
  requests: async () => pending.filter(({ id }) => !replies.has(id)),
  async reply(id: string, reply: RunReply) {
    if (failingReplies-- > 0) throw new Error('the server is away');
    replies.set(id, reply);
  },
  async *read() {
    yield* log;
  },
} as unknown as RunQueue;

function ask(id: string, action: RunAction, position = 0): void {
  pending.push({ id, runId: 'a', action, position });
}

const event = (type: EventData['type'], fields: object = {}): EventData => ({
  ...{ type, sequence: 0, timestamp: 0 },
  ...fields,
});

/** A run that this process has claimed with these events. */
function served(events: readonly EventData[] = [], refusal?: Error): ServedRun {
  const take = (name: string) => async () => {
    calls.push(name);
    if (refusal !== undefined) throw refusal;
  };
  const methods = ['pause', 'resume', 'approve', 'reject', 'answer'];
  const handle = Object.fromEntries(methods.map((name) => [name, take(name)]));
  const claimed = { opened: { events } } as unknown as ClaimedRun;
  return { claimed, handle: handle as unknown as RunHandle, isOpen: true };
}

function deskOf(run: ServedRun | undefined): RequestDesk {
  const runs = new Map(run && [['a', run]]);
  return new RequestDesk(
    queue,
    () => runs,
    (error) => errors.push(error),
  );
}

/** Waits for everything that needs no time. */
const settled = () => new Promise((resolve) => setTimeout(resolve));

const notWaiting = new StratagemError('not_waiting', 'it is not waiting for an answer');

test('no reply is stored before those of earlier requests, and nothing is carried out twice', async () => {
  const desk = deskOf(served());
  ask('first', { control: 'pause' });
  ask('second', { control: 'resume' });
  failingReplies = 1;
  desk.look();
  await settled();
  expect([...replies.keys()]).toEqual([]);
  desk.look();
  await settled();
  desk.look();
  await settled();
  expect([...replies]).toEqual([
    ['first', {}],
    ['second', {}],
  ]);
  expect(calls).toEqual(['pause', 'resume']);
  expect(errors).toHaveLength(1);
});

const call = { taskId: 'x', callId: 'one', key: 'tool 1', tool: 'pay' };

test.each([
  [{ approved: true }, undefined],
  [{ approved: false }, 'not_waiting'],
  [{ approved: false, withdrawn: true }, 'not_waiting'],
])(
  'an approval is not given to a later call, after an earlier one was decided: %j',
  async (decision, code) => {
    const before = event('tool_approval_requested', call);
    const run = served([before, event('tool_approval_decided', { ...call, ...decision })]);
    ask('first', { control: 'approve', taskId: 'x' }, 1);
    deskOf(run).look();
    await settled();
    expect(replies.get('first')?.error?.code).toBe(code);
    expect(calls).toEqual([]);
  },
);

test('an approval of a later call is given', async () => {
  const run = served([event('tool_approval_decided', { ...call, approved: true })]);
  ask('first', { control: 'approve', taskId: 'x' }, 1);
  ask('second', { control: 'reject', taskId: 'x', callId: 'two' }, 0);
  deskOf(run).look();
  await settled();
  expect(calls).toEqual(['approve', 'reject']);
  expect([...replies.values()]).toEqual([{}, {}]);
});

test('a process that has lost a run refuses nothing', async () => {
  const claimed = [event('run_started'), event('task_waiting', { taskId: 'y' })];
  const run = served(claimed, notWaiting);
  ask('first', { control: 'approve', taskId: 'x' }, 2);
  log = [...claimed, event('run_resumed'), event('run_resumed')];
  const desk = deskOf(run);
  desk.look();
  await settled();
  expect(replies.size).toBe(0);
  log = [...claimed, event('run_resumed')];
  desk.look();
  await settled();
  expect(replies.get('first')?.error?.code).toBe('not_waiting');
});

test('an error that the run does not know is a refusal, and is not tried again and again', async () => {
  ask('first', { control: 'answer', taskId: 'x', answer: 1 });
  const desk = deskOf(served([], new TypeError('the schema is broken')));
  desk.look();
  await settled();
  expect(replies.get('first')).toEqual({
    error: { code: 'invalid_option', message: 'the schema is broken' },
  });
  expect(errors).toEqual([]);
});

test('requests are looked for again when somebody asks for that at the end of a look', async () => {
  const runs = new Map<string, ServedRun>();
  const desk = new RequestDesk(
    queue,
    () => runs,
    (error) => errors.push(error),
  );
  ask('first', { control: 'pause' });
  desk.look();
  runs.set('a', served());
  desk.look();
  await settled();
  expect([...replies.keys()]).toEqual(['first']);
});
