import { describe, expect, test } from 'vitest';
import { deferred } from '../test/bench.js';
import { engines, newQueue } from '../test/engines.js';
import { startRelay } from '../test/relay.js';
import { Engine } from './engine.js';

describe.each(engines)('an engine over %s', (_, url) => {
  test('replaces connections that the network has lost silently: to listen, to send, to ask', async () => {
    await using relay = await startRelay(url);
    const settings = { url: relay.url, queue: newQueue(), onError() {} };
    const engine = new Engine(settings, 400);
    await engine.ready();
    let heard = deferred<string>();
    await engine.bus.subscribe('here', (text) => heard.resolve(text));
    await engine.bus.publish(new Map([['here', ['"first"']]]));
    expect(await heard.promise).toBe('"first"');
    expect(await engine.queue().getJobState('none')).toBe('unknown');

    relay.silence();
    heard = deferred();
    // As a coordinator and a worker do, again and again until an answer comes.
    const repeated = setInterval(() => {
      engine.bus.publish(new Map([['here', ['"again"']]])).catch(() => {});
    }, 50);
    expect(await heard.promise).toBe('"again"');
    clearInterval(repeated);
    const ask = () => engine.queue().getJobState('none');
    expect(await ask().catch(ask)).toBe('unknown');
    await engine.close();
  });
});
