import {
  concurrencyKnee,
  LimitChanges,
  lognormalLatency,
  overload,
  QueueingServer,
  rateLimited,
  type ServerModel,
} from '@stratagem/simulation';
import { normal, randomFrom } from '../util/random.js';
import { flaky } from './kinds.js';
import type { MapKind } from './map-coverage.js';

/** A server whose speed wanders: by `deviation`, and most of the way back within `periodMs`. */
function drifting(deviation: number, periodMs: number, sigma: number): ServerModel {
  return {
    name: 'drifting',
    begin: (seed) => {
      const random = randomFrom(seed * 131 + 7);
      const stepMs = periodMs / 10;
      const kept = Math.exp(-1 / 10);
      let level = deviation * normal(random);
      const first = level;
      const changes = Array.from({ length: 150 }, (_, n) => {
        const next = kept * level + deviation * Math.sqrt(1 - kept ** 2) * normal(random);
        const factor = Math.exp(next - level);
        level = next;
        return { atMs: (n + 1) * stepMs, factor };
      });
      const speeds = new LimitChanges('drifting', changes);
      const speed = (_: number, now: number) => Math.exp(first) * speeds.factorAt(now);
      return new QueueingServer({ seed, sigma, speed, changes: speeds });
    },
  };
}

export const MAP_KINDS: readonly MapKind[] = [
  { name: 'spread latencies', serverOf: (draw) => lognormalLatency({ sigma: draw(0.2, 0.6) }) },
  { name: 'heavy tails', serverOf: (draw) => lognormalLatency({ sigma: draw(0.7, 1.1) }) },
  {
    name: 'slower above a knee',
    serverOf: (draw) =>
      concurrencyKnee({ knee: draw(2, 24), exponent: draw(0.7, 1.5), sigma: 0.3 }),
  },
  {
    name: 'slower with each request',
    serverOf: (draw) => concurrencyKnee({ knee: 1, exponent: draw(0.2, 0.8), sigma: 0.3 }),
  },
  {
    name: 'constant throughput',
    serverOf: (draw) => concurrencyKnee({ knee: draw(1, 6), exponent: 1, sigma: 0.3 }),
  },
  { name: 'errors and retries', serverOf: (draw) => flaky(draw(0.05, 0.3), 0.4) },
  {
    name: 'overload',
    serverOf: (draw) =>
      overload({ capacity: Math.round(draw(2, 12)), kind: 'server_error', sigma: 0.3 }),
  },
  {
    name: 'rate limit',
    serverOf: (draw) =>
      rateLimited({ requestsPerMinute: draw(60, 1_200), initial: 0.01, sigma: 0.3 }),
  },
  { name: 'drift', serverOf: (draw) => drifting(draw(0.05, 0.2), draw(5_000, 60_000), 0.3) },
];
