import type { Plan, Task } from '@stratagem/core';
import {
  concurrencyKnee,
  type Demand,
  fixedWindows,
  lognormalLatency,
  overload,
  QueueingServer,
  rateLimited,
  type ServerModel,
} from '@stratagem/simulation';
import { normal, randomFrom } from '../util/random.js';

/** A kind of runs: what the server is like, and what the tasks are. */
export interface Kind {
  readonly name: string;
  /** Each pair of runs has a server of its own: the figures of the kind are drawn for it. */
  readonly serverOf: (draw: Draw) => ServerModel;
  readonly shape: (tasks: number) => Plan;
  readonly demandOf: (task: Task, random: () => number) => Demand;
  readonly tasks: number;
  readonly maxParallel: number;
}

/** A number between two others, the same for all runs of a pair. */
export type Draw = (low: number, high: number) => number;

export function drawFrom(seed: number): Draw {
  const random = randomFrom(seed * 7_919 + 17);
  return (low, high) => low * (high / low) ** random();
}

/** Layers of six tasks that depend on two of the layer before. */
function layers(count: number): Plan {
  const tasks = Array.from({ length: count }, (_, n) => ({
    id: `${n}`,
    description: 'x',
    type: n % 4 === 0 ? ('aggregate' as const) : ('action' as const),
    dependencies: n < 6 ? [] : [`${n - 6}`, `${n - 6 + (n % 2 === 0 ? 1 : -1)}`],
  }));
  return { goal: 'layers', tasks };
}

function independent(count: number): Plan {
  const tasks = Array.from({ length: count }, (_, n) => ({ id: `${n}`, description: 'x' }));
  return { goal: 'independent', tasks };
}

/** Aggregates take and cost five times as much. */
function byType({ type }: Task, random: () => number): Demand {
  const factor = type === 'aggregate' ? 5 : 1;
  const outputTokens = Math.round(200 * factor * (0.5 + random()));
  return {
    ...{ workMs: 1_000 * factor, inputTokens: 500, outputTokens },
    costUsd: 0.000_01 * outputTokens + 0.000_5,
  };
}

export function alike(_: Task, random: () => number): Demand {
  const outputTokens = Math.round(100 * Math.exp(normal(random) * 0.7));
  return {
    ...{ workMs: 1_000, inputTokens: 500, outputTokens },
    costUsd: 0.000_01 * outputTokens,
  };
}

/** A server at which each request fails by itself with some probability, after some of its time. */
export function flaky(share: number, sigma: number): ServerModel {
  return {
    name: 'flaky',
    begin: (seed) => {
      const random = randomFrom(seed * 31 + 5);
      const refuse = () =>
        random() < share
          ? { code: 'server_error' as const, message: 'down', status: 500, afterMs: 300 }
          : undefined;
      return new QueueingServer({ seed, sigma, gate: { refuse } });
    },
  };
}

const DEFAULTS = { shape: layers, demandOf: byType, tasks: 48, maxParallel: 6 };

export const KINDS: readonly Kind[] = [
  {
    ...DEFAULTS,
    name: 'spread latencies',
    serverOf: (draw) => lognormalLatency({ sigma: draw(0.2, 0.5) }),
  },
  {
    ...DEFAULTS,
    name: 'heavy tails',
    serverOf: (draw) => lognormalLatency({ sigma: draw(0.7, 1.1) }),
  },
  {
    ...DEFAULTS,
    name: 'slower under load',
    serverOf: (draw) =>
      concurrencyKnee({ knee: draw(1.5, 4), exponent: draw(0.7, 1.5), sigma: 0.3 }),
  },
  { ...DEFAULTS, name: 'errors and retries', serverOf: (draw) => flaky(draw(0.05, 0.3), 0.4) },
  {
    ...DEFAULTS,
    name: 'overload',
    serverOf: (draw) =>
      overload({ capacity: Math.round(draw(2, 3)), kind: 'server_error', sigma: 0.3 }),
  },
  {
    ...DEFAULTS,
    name: 'lost requests',
    serverOf: (draw) => overload({ capacity: Math.round(draw(2, 4)), kind: 'timeout', sigma: 0.3 }),
  },
  {
    ...DEFAULTS,
    name: 'rate limit, refilled',
    serverOf: (draw) =>
      rateLimited({ requestsPerMinute: draw(60, 240), initial: draw(0.02, 0.2), sigma: 0.3 }),
  },
  {
    ...DEFAULTS,
    name: 'token limit',
    serverOf: (draw) =>
      rateLimited({ tokensPerMinute: draw(60_000, 200_000), initial: draw(0.02, 0.2), sigma: 0.3 }),
  },
  {
    ...DEFAULTS,
    name: 'rate limit, in windows',
    serverOf: (draw) =>
      fixedWindows({ requests: Math.round(draw(5, 15)), windowMs: 5_000, sigma: 0.3 }),
  },
  {
    ...DEFAULTS,
    name: 'many alike',
    shape: independent,
    demandOf: alike,
    tasks: 120,
    maxParallel: 12,
    serverOf: (draw) => lognormalLatency({ sigma: draw(0.4, 0.8) }),
  },
  {
    ...DEFAULTS,
    name: 'few tasks',
    tasks: 14,
    serverOf: (draw) => lognormalLatency({ sigma: draw(0.3, 0.7) }),
  },
];
