import { describe, expect, test } from 'vitest';
import { inOrder } from '../../test/runs.js';
import type { AttemptCarrier } from '../contract/carrier.js';
import type { Json } from '../contract/journal.js';
import { memoryJournal } from '../journal/memory-journal.js';
import { createExecutor } from '../runtime/executor.js';
import { workerCarrier } from '../runtime/worker-carrier.js';
import { decodeReport, encodeReport } from '../serialize/wire.js';
import { carrierConformance } from './carrier.js';

const throughJson = <T>(value: T): T => JSON.parse(JSON.stringify(value));

/** A carrier whose calls and reports are JSON text on their way. */
function wired(worker: AttemptCarrier): AttemptCarrier {
  return {
    ...worker,
    name: 'wired',
    start: (call, tell) =>
      worker.start(throughJson(call), (report) =>
        tell(decodeReport(throughJson<Json>(encodeReport(report)))),
      ),
    cancel: (key, reason) => worker.cancel(key, reason),
    detach: (key) => worker.detach(key),
    alive: async (keys) => (await worker.alive?.(keys)) ?? new Set(),
    close: () => worker.close(),
  };
}

describe('the carrier in this process, with every call passed through JSON', () => {
  for (const { name, run } of carrierConformance(wired)) test(name, run);
});

describe('a carrier that begins attempts later', () => {
  const queued = (worker: AttemptCarrier): AttemptCarrier => {
    const inner = wired(worker);
    return {
      ...inner,
      beginsLater: true,
      start(call, tell) {
        tell({ type: 'begun' });
        inner.start(call, tell);
      },
    };
  };
  for (const { name, run } of carrierConformance(queued)) test(name, run);
});

describe('carrierConformance', () => {
  const failing = async (carrier: (worker: AttemptCarrier) => AttemptCarrier) => {
    const failed: string[] = [];
    for (const { name, run } of carrierConformance(carrier, { timeoutMs: 200 })) {
      await Promise.resolve(run()).catch(() => failed.push(name));
    }
    return failed;
  };

  test('finds a carrier that loses what JSON has no word for', async () => {
    const careless = (worker: AttemptCarrier): AttemptCarrier => ({
      ...wired(worker),
      start: (call, tell) => worker.start(throughJson(call), (report) => tell(throughJson(report))),
    });
    expect(await failing(careless)).toContain(
      'carries values that JSON has no word for, both ways',
    );
  });

  test('finds a carrier that never cancels', async () => {
    const stubborn = (worker: AttemptCarrier): AttemptCarrier => ({
      ...wired(worker),
      cancel() {},
    });
    expect(await failing(stubborn)).toEqual([
      'stops an attempt that is canceled, and reports nothing more of it',
    ]);
  });

  test('finds a carrier that starts an attempt twice', async () => {
    const forgetful = (worker: AttemptCarrier): AttemptCarrier => {
      let calls = 0;
      const inner = wired(worker);
      return { ...inner, start: (call, tell) => inner.start({ ...call, key: `${calls++}` }, tell) };
    };
    expect(await failing(forgetful)).toContain(
      'attaches to an attempt that it works on, and does not start it twice',
    );
  });
});

describe('a run over a carrier', () => {
  test('that is resumed attaches to an attempt that the carrier still works on', async () => {
    let finish: (value: string) => void = () => {};
    let starts = 0;
    const plan = {
      goal: 'attach',
      tasks: [
        {
          id: 'long',
          run: () => {
            starts++;
            return new Promise<string>((resolve) => {
              finish = resolve;
            });
          },
        },
      ],
    };
    const carrier = wired(workerCarrier({ plans: [plan] }));
    const kept = memoryJournal();
    let isBroken = false;
    // The first process loses its journal, while the attempt lives on.
    const journal = {
      ...kept,
      create: async (run: Parameters<typeof kept.create>[0]) => {
        const inner = await kept.create(run);
        return {
          runId: inner.runId,
          append(events: Parameters<typeof inner.append>[0]) {
            if (isBroken) throw new Error('the disk is gone');
            return inner.append(events);
          },
          close: () => inner.close(),
        };
      },
    };
    const detached: string[] = [];
    const living: AttemptCarrier = {
      ...carrier,
      detach: (key) => void detached.push(key),
      cancel: () => expect.unreachable('losing the journal must not cancel'),
      close() {},
    };
    const executor = createExecutor({ strategy: inOrder });
    const first = executor.execute(plan, { journal, carrier: living, runId: 'r' });
    for await (const { type } of first) if (type === 'task_started') break;
    isBroken = true;
    first.pause();
    expect(await first).toMatchObject({ status: 'failed', error: { code: 'journal_failed' } });
    expect(detached).toHaveLength(1);

    const second = executor.resume('r', { plan, journal: kept, carrier: living });
    const resumed = [];
    for await (const event of second) {
      resumed.push(event);
      if (event.type === 'strategy_initialized' && resumed.length > 3) finish('done');
    }
    const result = await second;
    expect(result).toMatchObject({ status: 'completed', outputs: { long: 'done' } });
    expect(starts).toBe(1);
    expect(result.timeline).toContainEqual(
      expect.objectContaining({ type: 'run_resumed', restarted: [], attached: ['long'] }),
    );
  });
});
