import type { AttemptCarrier } from '@stratagem/core/kernel';
import { carrierConformance } from '@stratagem/core/testing';
import { describe, test } from 'vitest';
import { engines, newQueue } from '../test/engines.js';
import { AttemptServer } from './attempt-server.js';
import { bullmqCarrier } from './bullmq-carrier.js';
import { Engine } from './engine.js';
import { workerSettings } from './options.js';

describe.each(engines)('a carrier over %s', (_, url) => {
  const create = async (worker: AttemptCarrier): Promise<AttemptCarrier> => {
    const queue = newQueue();
    const settings = workerSettings('test', { url, queue });
    const engine = new Engine(settings);
    await engine.ready();
    const server = new AttemptServer(engine, settings, 'worker', worker);
    await server.start();
    const carrier = bullmqCarrier({ url, queue });
    const close = carrier.close.bind(carrier);
    carrier.close = async () => {
      await close();
      await server.stop({});
    };
    return carrier;
  };
  for (const { name, run } of carrierConformance(create)) test(name, run);
});
