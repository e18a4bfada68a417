import type { EventData } from '../contract/journal.js';
import type { ClaimedRun, RunQueue } from '../contract/run-queue.js';
import type { RunRequest } from '../contract/run-request.js';
import { assert } from './case.js';
import { listen, refuses, same } from './store-checks.js';

/** What a queue must do with requests to the process that carries a run out. */
export const REQUEST_CASES: Record<string, (queue: RunQueue) => Promise<void>> = {
  async 'keeps requests to a run, in order, until there is a reply'(queue) {
    for (const id of ['a', 'b']) await submit(queue, id);
    await queue.request(request('first', 'a'));
    const action = { control: 'answer', taskId: 'x', answer: 'Ümläut 🦉 \u0000' } as const;
    await queue.request({ id: 'second', runId: 'a', action });
    await queue.request(request('other', 'b'));
    same(await queue.requests(['a']), [
      { ...request('first', 'a'), position: 0 },
      { id: 'second', runId: 'a', action, position: 0 },
    ]);
    same(await ids(queue, ['a', 'b', 'unknown']), ['first', 'second', 'other']);
    same(await queue.requests([]), []);
    assert(
      (await queue.replyTo('first')) === undefined,
      'there was a reply before anybody gave it',
    );
    await queue.reply('first', {});
    const error = { code: 'not_waiting', message: 'it is not waiting: ü' };
    await queue.reply('second', { error });
    same(await ids(queue, ['a', 'b']), ['other']);
    same(await queue.replyTo('first'), {});
    same(await queue.replyTo('second'), { error });
    same(await queue.replyTo('unknown'), undefined);
  },

  async 'stores a request once, and its first reply'(queue) {
    await submit(queue, 'a');
    await queue.request(request('first', 'a'));
    await queue.request(request('first', 'a'));
    same(await ids(queue, ['a']), ['first']);
    await queue.reply('first', {});
    await queue.reply('first', { error: { code: 'run_ended', message: 'too late' } });
    same(await queue.replyTo('first'), {});
    // As after an answer that was lost.
    await queue.request(request('first', 'a'));
    same(await ids(queue, ['a']), []);
  },

  async 'keeps requests while nobody carries the run out, and for the next one that does'(queue) {
    await submit(queue, 'a');
    const claimed = await claim(queue, 'a');
    await claimed.opened.append([event('run_started', 0), event('run_paused', 1)]);
    await queue.request(request('first', 'a'));
    await claimed.opened.close();
    await queue.request(request('second', 'a'));
    await claim(queue, 'a');
    const positions = (await queue.requests(['a'])).map(({ id, position }) => [id, position]);
    same(positions, [
      ['first', 2],
      ['second', 2],
    ]);
  },

  async 'refuses requests to runs that are unknown, were never queued, or have ended'(queue) {
    await refuses('run_not_found', () => queue.request(request('first', 'a')));
    const other = await queue.create({ id: 'b', goal: 'by hand', createdAt: 1_000 });
    await other.append([event('run_started', 0)]);
    await refuses('run_not_queued', () => queue.request(request('first', 'b')));
    await other.close();
    await submit(queue, 'a');
    const claimed = await claim(queue, 'a');
    await claimed.opened.append([event('run_started', 0), event('run_completed', 1)]);
    await refuses('run_ended', () => queue.request(request('first', 'a')));
    await claimed.opened.close();
    await refuses('run_ended', () => queue.request(request('first', 'a')));
    same(await ids(queue, ['a', 'b']), []);
  },

  async 'replies that a run has ended when nobody writes it any more'(queue) {
    await submit(queue, 'a');
    await queue.request(request('first', 'a'));
    const claimed = await claim(queue, 'a');
    await claimed.opened.append([event('run_started', 0), event('run_completed', 1)]);
    // Its process may still reply.
    assert((await queue.replyTo('first')) === undefined, 'it replied for the process of the run');
    await claimed.opened.close();
    const reply = await queue.replyTo('first');
    assert(reply?.error?.code === 'run_ended', `it replied ${JSON.stringify(reply)}`);
    assert(reply.error.message.includes('"a"'), `the reply does not name the run`);
  },

  async 'calls its listeners when there is a request or a reply'(queue) {
    await submit(queue, 'a');
    const listener = listen((wake) => queue.onRequest(wake));
    await listener.isCalledAfter(() => queue.request(request('first', 'a')));
    await listener.isCalledAfter(() => queue.reply('first', {}));
    await listener.isSilentAfter(() => queue.request(request('second', 'a')));
  },

  async 'rejects requests and replies after close'(queue) {
    await submit(queue, 'a');
    await queue.close();
    await refuses('journal_failed', () => queue.request(request('first', 'a')));
    await refuses('journal_failed', () => queue.requests(['a']));
    await refuses('journal_failed', () => queue.reply('first', {}));
    await refuses('journal_failed', () => queue.replyTo('first'));
  },
};

function request(id: string, runId: string): RunRequest {
  return { id, runId, action: { control: 'pause' } };
}

async function submit(queue: RunQueue, id: string): Promise<void> {
  const plan = { goal: 'test requests', tasks: [{ id: 'x', description: 'do it' }] };
  await queue.submit({ id, goal: 'test requests', createdAt: 1_000, plan });
}

async function claim(queue: RunQueue, id: string): Promise<ClaimedRun> {
  const claimed = await queue.claim();
  assert(claimed?.run.id === id, `it claimed ${claimed?.run.id ?? 'nothing'} instead of "${id}"`);
  return claimed;
}

function event(type: 'run_started' | 'run_paused' | 'run_completed', sequence: number): EventData {
  const base = { type, sequence, timestamp: 1_000 + sequence };
  if (type !== 'run_started') return { ...base, durationMs: 1 };
  return { ...base, plan: { goal: 'test requests', tasks: [] }, taskCount: 1, seed: 1 };
}

async function ids(queue: RunQueue, runIds: readonly string[]): Promise<string[]> {
  return (await queue.requests(runIds)).map(({ id }) => id);
}
