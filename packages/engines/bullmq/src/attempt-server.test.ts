import { describe, expect, test } from 'vitest';
import { Bench, deferred, planOf, until } from '../test/bench.js';
import { engines } from '../test/engines.js';
import { Engine } from './engine.js';
import { type CoordinatorMessage, WORKERS, type WorkerMessage } from './protocol.js';

describe.each(engines)('a worker over %s', (_, url) => {
  test('reports no more about an attempt whose result the queue refuses', async () => {
    await using bench = new Bench(url);
    const endings = new Map(['lost', 'other'].map((id) => [id, deferred()]));
    const errors: Error[] = [];
    const run = async (_: unknown, { taskId }: { readonly taskId: string }) => {
      await endings.get(taskId)?.promise;
      return 'done';
    };
    const worker = await bench.worker({
      plans: [planOf([...endings.keys()].map((id) => ({ id, run })))],
      onError: (error) => errors.push(error),
    });
    // Without a sweep, so that nothing is put back.
    const carrier = bench.carrier({ sweepMs: 3_600_000 });
    const { call } = bench.start(carrier, 'lost');
    await until(() => worker.running.length === 1);
    const engine = new Engine({
      url,
      queue: bench.queue,
      onError: (error) => expect.unreachable(error.message),
    });
    await engine.queue().obliterate({ force: true });
    const other = bench.start(carrier, 'other');
    await until(() => worker.running.length === 2);
    endings.get('lost')?.resolve();
    await until(() => errors.length > 0);

    const messages: WorkerMessage[] = [];
    await engine.bus.subscribe('probe', (text) => messages.push(JSON.parse(text)));
    const attach = (k: string): CoordinatorMessage => ({ t: 'attach', k, to: 'probe' });
    const texts = [call.key, other.call.key].map((key) => JSON.stringify(attach(key)));
    await engine.bus.publish(new Map([[WORKERS, texts]]));
    const keysOf = () => messages.flatMap((message) => ('k' in message ? message.k : []));
    await until(() => keysOf().includes(other.call.key));
    expect(keysOf()).not.toContain(call.key);
    endings.get('other')?.resolve();
    await engine.close();
  });
});
