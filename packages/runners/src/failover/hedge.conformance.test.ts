import type { TaskRunner } from '@stratagem/core';
import { runnerConformance } from '@stratagem/core/testing';
import { simulated } from '@stratagem/simulated';
import { describe, test } from 'vitest';
import { failure, scripted } from '../../test/scripted.js';
import { hedge } from './hedge.js';

const hedged = (latencyMs: number, to: TaskRunner) =>
  hedge(simulated({ latencyMs }), { afterMs: 1, maxExtraShare: 1, to });

describe('a runner whose requests are sent once', () => {
  const once = (runner: TaskRunner) => hedge(runner, { afterMs: 10_000 });
  const cases = runnerConformance(() => once(simulated({ latencyMs: 1 })), {
    failing: () => once(scripted('a', failure('overloaded'))),
    hanging: () => once(simulated({ latencyMs: 1e6 })),
  });
  for (const { name, run } of cases) test(name, run);
});

describe('a runner whose second request responds first', () => {
  const cases = runnerConformance(() => hedged(1e6, simulated({ latencyMs: 1 })), {
    hanging: () => hedged(1e6, simulated({ latencyMs: 1e6 })),
  });
  for (const { name, run } of cases) test(name, run);
});

describe('a runner whose first request still responds first', () => {
  const cases = runnerConformance(() => hedged(20, simulated({ latencyMs: 1e6 })));
  for (const { name, run } of cases) test(name, run);
});
