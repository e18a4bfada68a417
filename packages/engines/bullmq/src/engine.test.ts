import { describe, expect, test } from 'vitest';
import { until } from '../test/bench.js';
import { engines, newQueue } from '../test/engines.js';
import { startRelay } from '../test/relay.js';
import { Engine } from './engine.js';

/** As a coordinator and a worker do: again and again until an answer comes. */
async function insist<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await ask();
    } catch {
      // This connection was lost, or the machine stood still.
      await new Promise((next) => setTimeout(next, 50));
    }
  }
}

describe.each(engines)('an engine over %s', (_, url) => {
  test('replaces connections that the network has lost silently: to listen, to send, to ask', async () => {
    await using relay = await startRelay(url);
    const settings = { url: relay.url, queue: newQueue(), onError() {} };
    const engine = new Engine(settings, 400);
    const ask = () => engine.queue().getJobState('none');
    const heard = new Set<string>();
    const hear = async (text: string) => {
      const repeated = setInterval(() => {
        engine.bus.publish(new Map([['here', [text]]])).catch(() => {});
      }, 50);
      await until(() => heard.has(text));
      clearInterval(repeated);
    };
    await insist(() => engine.ready());
    await insist(() => engine.bus.subscribe('here', (text) => void heard.add(text)));
    await hear('"first"');
    expect(await insist(ask)).toBe('unknown');

    relay.silence();
    await hear('"again"');
    expect(await insist(ask)).toBe('unknown');
    await engine.close();
  });
});
