import {
  OptionError,
  type Plan,
  type Scheduler,
  type Strategy,
  type StrategySwitched,
} from '@stratagem/core';
import { strategyConformance } from '@stratagem/core/testing';
import { parallel } from '@stratagem/parallel';
import {
  batch,
  concurrencyKnee,
  cpuBound,
  fixedLatency,
  fixedWindows,
  lognormalLatency,
  overload,
  providers,
  QueueingServer,
  rateLimited,
  type ServerModel,
  simulateOn,
  summarize,
  type Workload,
} from '@stratagem/simulation';
import { describe, expect, test } from 'vitest';
import { type AdaptiveOptions, adaptive, type Learned } from './index.js';

const alike = (size: number) => batch(size, { sigma: 0.3, seed: 7 });
const retry = { maxAttempts: 100 };

function run(
  server: ServerModel,
  options: AdaptiveOptions = {},
  { plan, demandOf }: Pick<Workload, 'plan' | 'demandOf'> = alike(300),
  tokensPerChunk?: number,
) {
  const strategy = adaptive(options);
  const result = simulateOn(plan, {
    ...{ server, strategy, demandOf, retry, timeoutMs: 60_000 },
    ...(tokensPerChunk !== undefined && { tokensPerChunk }),
  });
  const switches = result.timeline.filter((event) => event.type === 'strategy_switched');
  return { ...summarize(result), result, switches, learned: strategy.learned() as Learned };
}

/** The most that were in flight at once in the second half of the run. */
function settledAt({ result }: ReturnType<typeof run>): number {
  let running = 0;
  let most = 0;
  const half = result.metrics.executionTimeMs / 2;
  for (const { type, timestamp } of result.timeline) {
    if (type === 'task_started') running++;
    else if (['task_completed', 'task_retrying', 'task_failed'].includes(type)) running--;
    if (timestamp > half) most = Math.max(most, running);
  }
  return most;
}

describe.each<[string, AdaptiveOptions]>([
  ['adaptive()', {}],
  ['adaptive({ maxParallel: 1 })', { maxParallel: 1 }],
  ['adaptive({ maxParallel: Infinity })', { maxParallel: Number.POSITIVE_INFINITY }],
  [
    'adaptive({ warmStart })',
    { warmStart: run(rateLimited({ requestsPerMinute: 60, announced: false })).learned },
  ],
])('%s', (_, options) => {
  for (const { name, run } of strategyConformance(() => adaptive(options))) test(name, run);
});

describe('the limit', () => {
  test('rises to the cap while the server keeps up', () => {
    expect(run(fixedLatency()).peakConcurrency).toBeGreaterThan(60);
    expect(run(fixedLatency(), { maxParallel: 20 }).peakConcurrency).toBe(20);
  });

  test('rises despite a heavy tail of latencies', () => {
    const { peakConcurrency } = run(lognormalLatency({ sigma: 1 }), {}, alike(600));
    expect(peakConcurrency).toBeGreaterThan(60);
  });

  test.each([4, 16])('settles near a knee at %i', (knee) => {
    const { learned } = run(concurrencyKnee({ knee, sigma: 0.15 }), {}, alike(600));
    const { limit, likely = [] } = learned.resources.simulation ?? {};
    expect(likely[0]).toMatchObject({ knee });
    expect(likely[0]?.probability).toBeGreaterThan(0.5);
    expect(limit).toBeGreaterThanOrEqual(knee / 1.5);
    expect(limit).toBeLessThanOrEqual(knee * 1.5);
  });

  test('stays low when higher concurrency does not raise throughput', () => {
    expect(settledAt(run(cpuBound({ cores: 8, sigma: 0.15 })))).toBeLessThanOrEqual(24);
  });

  test.each(['server_error', 'rate_limited', 'timeout'] as const)(
    'stays below the capacity of a server that answers overload with %s',
    (kind) => {
      const { wastedShare, status } = run(overload({ capacity: 16, kind, sigma: 0.15 }));
      expect(status).toBe('completed');
      expect(wastedShare).toBeLessThan(0.05);
    },
  );

  test('is not lowered by errors unrelated to load', () => {
    const faulty: ServerModel = {
      name: 'faulty',
      begin: (seed) => {
        let order = seed;
        const gate = {
          // A pseudo-random one in fifty.
          refuse: () =>
            (Math.abs(Math.sin(++order)) * 43_758.5453) % 1 < 0.02
              ? { code: 'server_error' as const, message: 'a bad moment', status: 503, afterMs: 50 }
              : undefined,
        };
        return new QueueingServer({ seed, sigma: 0.15, gate });
      },
    };
    const { makespanMs } = run(faulty, {}, alike(1_000));
    expect(makespanMs).toBeLessThan(2 * run(fixedLatency(), {}, alike(1_000)).makespanMs);
  });

  test('recovers after a single refusal', () => {
    let isFirst = true;
    const once: ServerModel = {
      name: 'refuses once',
      begin: (seed) => {
        const gate = {
          refuse: () => {
            const refusal = { code: 'overloaded' as const, message: 'later', afterMs: 50 };
            const first = isFirst;
            isFirst = false;
            return first ? refusal : undefined;
          },
        };
        return new QueueingServer({ seed, sigma: 0.15, gate });
      },
    };
    expect(run(once, {}, alike(600)).peakConcurrency).toBeGreaterThan(32);
  });

  test('rises when the knee moves up, and falls when it moves down', () => {
    const changing = (factor: number) =>
      concurrencyKnee({ knee: 16, sigma: 0.15, changes: [{ atMs: 20_000, factor }] });
    expect(settledAt(run(changing(4), {}, alike(1_500)))).toBeGreaterThan(32);
    expect(settledAt(run(changing(0.25), {}, alike(600)))).toBeLessThan(12);
  });

  test('falls soon after a server becomes much slower', () => {
    const changes = [{ atMs: 40_000, factor: 0.25 }];
    const server = concurrencyKnee({ knee: 32, sigma: 0.15, changes });
    const { switches } = run(server, {}, alike(2_000));
    const slower = switches.find(({ reason }) => reason === 'the server has become slower');
    expect(slower?.timestamp).toBeGreaterThan(40_000);
    expect(slower?.timestamp).toBeLessThan(50_000);
  });

  test('is separate for each resource', () => {
    const server = providers({
      large: fixedLatency(),
      small: concurrencyKnee({ knee: 2, sigma: 0.15 }),
    });
    const { resources } = run(server, {}, alike(600)).learned;
    expect(resources.large?.limit).toBeGreaterThanOrEqual(48);
    expect(resources.small?.limit).toBeLessThanOrEqual(6);
  });

  test.each([0.8, 1])('is not lowered by an adaptiveThreshold of %d alone', (adaptiveThreshold) => {
    for (const tokensPerChunk of [20, undefined]) {
      const { learned } = run(fixedLatency(), { adaptiveThreshold }, alike(300), tokensPerChunk);
      expect(learned.resources.simulation?.limit).toBeGreaterThanOrEqual(16);
    }
  });

  test('stops rising sooner with a higher adaptiveThreshold', () => {
    // Doubling the number in flight raises throughput by a factor of 1.4.
    const soft = concurrencyKnee({ knee: 8, exponent: 0.5 });
    const peak = (adaptiveThreshold: number) =>
      run(soft, { adaptiveThreshold }, alike(600)).peakConcurrency;
    expect(peak(0.2)).toBeGreaterThan(2 * peak(0.9));
  });
});

describe('rate limits', () => {
  test('that are announced are rarely exceeded', () => {
    for (const server of [
      rateLimited({ requestsPerMinute: 300, initial: 0.1, sigma: 0.15 }),
      rateLimited({ tokensPerMinute: 300_000, initial: 0.1, sigma: 0.15 }),
      fixedWindows({ requests: 100, windowMs: 30_000, sigma: 0.15 }),
    ]) {
      expect(run(server).wastedShare, server.name).toBeLessThan(0.04);
    }
  });

  test('that are not announced are found and fully used', () => {
    const limit = { requestsPerMinute: 300, initial: 0.1, sigma: 0.15, announced: false };
    const { wastedShare, makespanMs } = run(rateLimited(limit));
    expect(wastedShare).toBeLessThan(0.07);
    // 30 at once, then 270 at five per second.
    expect(makespanMs).toBeLessThan(1.05 * 54_000 + 2_000);
  });

  test('that rise are fully used again', () => {
    const changes = [{ atMs: 20_000, factor: 4 }];
    const limit = { requestsPerMinute: 300, initial: 0.1, announced: false, changes };
    const steady = run(rateLimited({ ...limit, changes: [] })).makespanMs;
    expect(run(rateLimited(limit)).makespanMs).toBeLessThan(0.75 * steady);
  });
});

describe('the order', () => {
  const plan: Plan = {
    goal: 'x',
    tasks: [
      ...Array.from({ length: 20 }, (_, n) => ({ id: `look ${n}`, type: 'observation' as const })),
      ...Array.from({ length: 20 }, (_, n) => ({ id: `sum ${n}`, type: 'aggregate' as const })),
    ].map((task) => ({ ...task, description: 'x' })),
  };

  test('follows the learned durations of task types', () => {
    const demandOf = ({ type }: { type?: string }) => ({
      workMs: type === 'aggregate' ? 5_000 : 100,
      inputTokens: 1,
      outputTokens: 1,
    });
    const starts = (options: AdaptiveOptions) =>
      run(
        fixedLatency(),
        { maxParallel: 2, ...options },
        { plan, demandOf },
      ).result.timeline.flatMap((event) => (event.type === 'task_started' ? event.taskId : []));
    expect(starts({})[0]).toBe('look 0');
    const warmStart: Learned = {
      version: 1,
      durationsMs: { observation: 100, aggregate: 5_000 },
      resources: {},
    };
    expect(
      starts({ warmStart })
        .slice(0, 20)
        .every((id) => id.startsWith('sum')),
    ).toBe(true);
  });
});

describe('strategy_switched events', () => {
  test('contain the modes, the limit, the reason and the measurements', () => {
    const { switches } = run(fixedLatency());
    expect(switches.length).toBeGreaterThanOrEqual(2);
    const first = switches[0] as StrategySwitched;
    expect(first).toMatchObject({ from: 'parallel', to: 'parallel', limit: 24 });
    expect(first.reason).not.toBe('');
    const { tasksPerSecond, averageLatencyMs, parallelEfficiency } = first.figures ?? {};
    expect(tasksPerSecond).toBeGreaterThan(1);
    expect(averageLatencyMs).toBeGreaterThan(100);
    expect(parallelEfficiency).toBeGreaterThan(0.5);
    expect(parallelEfficiency).toBeLessThanOrEqual(1);
  });

  test('explain a limit with probabilities and the expected loss of the one rejected', () => {
    const { switches } = run(concurrencyKnee({ knee: 4, sigma: 0.15 }));
    const lowered = switches.find(({ limit = 16 }) => limit < 16) as StrategySwitched;
    const { explanations = [], comparison } = lowered;
    expect(explanations.length).toBeGreaterThanOrEqual(1);
    expect(explanations.length).toBeLessThanOrEqual(3);
    expect(explanations[0]?.explanation).toMatch(
      /^above \d+ at once, requests slow each other down/,
    );
    const probabilities = explanations.map(({ probability }) => probability);
    expect(probabilities).toEqual(probabilities.toSorted((a, b) => b - a));
    expect(probabilities.reduce((sum, each) => sum + each, 0)).toBeLessThan(1.01);
    expect(comparison?.rejectedLimit).toBe(16);
    expect(comparison?.expectedLoss).toBeLessThan(comparison?.rejectedLoss as number);
  });

  test('compare no limits after a refusal or a change of the server', () => {
    const refused = run(overload({ capacity: 4, kind: 'rate_limited' })).switches;
    const [first] = refused.filter(({ reason }) => reason.includes('refused'));
    expect(first?.limit).toBeLessThan(16);
    expect(first).not.toHaveProperty('comparison');
    const server = concurrencyKnee({ knee: 32, changes: [{ atMs: 20_000, factor: 0.125 }] });
    const [slower] = run(server, {}, alike(1_000)).switches.filter(({ reason }) =>
      reason.includes('slower'),
    );
    expect(slower?.explanations).toEqual([
      { explanation: 'the server has become slower', probability: 0.999 },
    ]);
    expect(slower).not.toHaveProperty('comparison');
  });

  test('hold for every change: the limit taken loses less than the one before, and the reason is that of the change', () => {
    const changes = [{ atMs: 20_000, factor: 10 }];
    const servers = [
      [concurrencyKnee({ knee: 4, sigma: 0.15 })],
      [concurrencyKnee({ knee: 32, sigma: 0.15, changes: [{ atMs: 10_000, factor: 0.25 }] })],
      [fixedWindows({ requests: 100, windowMs: 30_000, announced: true, sigma: 0.15 })],
      // With this cap, the limit does not rise when the rate does.
      [rateLimited({ requestsPerMinute: 300, initial: 0.1, changes }), { maxParallel: 16 }],
      [overload({ capacity: 16, kind: 'server_error', sigma: 0.15 })],
    ] as const;
    const reasons = new Set<string>();
    for (const [server, options = {}] of servers) {
      let before = 16;
      const { switches } = run(server, options, alike(300));
      for (const { from, to, limit = 0, reason, explanations, comparison } of switches) {
        const isWeighed = /^(higher|lower) concurrency/.test(reason);
        expect(comparison !== undefined).toBe(isWeighed);
        expect(explanations !== undefined).toBe(isWeighed || /has become/.test(reason));
        if (comparison !== undefined) {
          expect(comparison.rejectedLimit).toBe(before);
          expect(comparison.expectedLoss).toBeLessThan(comparison.rejectedLoss);
          expect(limit > before).toBe(reason.startsWith('higher'));
        }
        if (limit === before) expect([from, to]).toContain('paced');
        if (from === 'paced' && limit === before) expect(reason).toMatch(/no longer delays/);
        before = limit;
        reasons.add(reason);
      }
    }
    expect(reasons).toContain('the rate limit no longer delays tasks');
    expect(reasons).toContain('the server has become slower');
  });

  test('report the sequential and the paced mode', () => {
    const modes = (server: ServerModel) => run(server).switches.map(({ to }) => to);
    expect(modes(concurrencyKnee({ knee: 1, exponent: 2 }))).toContain('sequential');
    expect(modes(rateLimited({ requestsPerMinute: 300, initial: 0.1 }))).toContain('paced');
  });

  test('do not report every change of the limit', () => {
    for (const server of [concurrencyKnee({ knee: 16, sigma: 0.3 }), lognormalLatency()]) {
      expect(run(server, {}, alike(1_000)).switches.length).toBeLessThan(20);
    }
  });
});

describe('streamed answers', () => {
  const streamed = (server: ServerModel, size: number, options: AdaptiveOptions = {}) =>
    run(server, options, alike(size), 20);

  test('allow a raise of the limit before the first answer is complete', () => {
    const { result } = streamed(fixedLatency(), 300);
    const at = (type: string) => result.timeline.find((event) => event.type === type)?.timestamp;
    expect(at('strategy_switched')).toBeLessThan(at('task_completed') as number);
  });

  test.each([4, 16])('reveal a knee at %i sooner', (knee) => {
    const server = concurrencyKnee({ knee, sigma: 0.15 });
    const { makespanMs, learned } = streamed(server, 64);
    expect(makespanMs).toBeLessThan(run(server, {}, alike(64)).makespanMs);
    expect(learned.resources.simulation?.likely?.[0]?.knee).toBe(knee);
  });

  test('keep the limit below the point where requests time out', () => {
    const server = overload({ capacity: 16, kind: 'timeout', sigma: 0.15 });
    for (const size of [64, 100, 300]) expect(streamed(server, size).wastedShare).toBe(0);
  });

  test.each([
    ['up', 8, 4],
    ['down', 32, 0.25],
  ])('reveal that a knee has moved %s', (_, knee, factor) => {
    const changes = [{ atMs: 20_000, factor }];
    const { learned } = streamed(concurrencyKnee({ knee, sigma: 0.15, changes }), 1_000);
    expect(learned.resources.simulation?.likely?.[0]?.knee).toBe(knee * factor);
  });

  test('do not override an announced limit', () => {
    const server = rateLimited({ requestsPerMinute: 300, initial: 0.1, sigma: 0.15 });
    const { makespanMs } = streamed(server, 300);
    expect(makespanMs).toBeLessThan(1.1 * run(server, {}, alike(300)).makespanMs);
  });

  test('of a single part count as whole answers', () => {
    const server = concurrencyKnee({ knee: 16, sigma: 0.15 });
    const whole = run(server, {}, alike(100));
    expect(run(server, {}, alike(100), 10_000).makespanMs).toBe(whole.makespanMs);
  });
});

describe('a server that answers nothing for a while', () => {
  test('is not mistaken for an overloaded one', () => {
    const asleep: ServerModel = {
      name: 'asleep',
      begin: (seed) => {
        const gate = {
          refuse: (_request: unknown, now: number) =>
            now < 30_000
              ? { code: 'timeout' as const, message: 'x', afterMs: Number.POSITIVE_INFINITY }
              : undefined,
        };
        return new QueueingServer({ seed, sigma: 0.15, gate });
      },
    };
    const { learned, peakConcurrency } = run(asleep);
    expect(learned.resources.simulation?.ceiling).toBeUndefined();
    expect(peakConcurrency).toBeGreaterThan(60);
  });
});

describe('learned data', () => {
  test('are plain data, and undefined before the first run', () => {
    expect(adaptive().learned()).toBeUndefined();
    const { learned } = run(concurrencyKnee({ knee: 16, sigma: 0.15 }));
    expect(JSON.parse(JSON.stringify(learned))).toEqual(learned);
    expect(learned).toMatchObject({
      version: 1,
      durationsMs: { action: expect.any(Number) },
      resources: {
        simulation: { limit: expect.any(Number), outputTokens: { 'action/0': expect.any(Number) } },
      },
    });
  });

  test('make a second run start where the first one ended', () => {
    const server = concurrencyKnee({ knee: 4, sigma: 0.15 });
    const first = run(server, {}, alike(100));
    const second = run(server, { warmStart: first.learned }, alike(100));
    expect(second.makespanMs).toBeLessThan(0.87 * first.makespanMs);
  });

  test('include evidence from the last requests of a run', () => {
    // All requests have started after the first answer.
    const { learned } = run(concurrencyKnee({ knee: 4, sigma: 0.15 }), {}, alike(20));
    expect(learned.resources.simulation).toMatchObject({ limit: 4 });
    const past = learned.resources.simulation?.likely?.filter(({ knee = 128 }) => knee <= 4) ?? [];
    expect(past.reduce((sum, { probability }) => sum + probability, 0)).toBeGreaterThan(0.9);
  });

  test('remember the concurrency at which requests timed out', () => {
    const server = overload({ capacity: 16, kind: 'timeout', sigma: 0.15 });
    const warmStart: Learned = {
      version: 1,
      durationsMs: {},
      resources: { simulation: { limit: 64 } },
    };
    const first = run(server, { warmStart }, alike(600));
    expect(first.wastedShare).toBeGreaterThan(0);
    expect(first.learned.resources.simulation?.ceiling).toBe(32);
    const second = run(server, { warmStart: first.learned }, alike(600));
    expect(second.wastedShare).toBe(0);
    expect(second.peakConcurrency).toBeLessThanOrEqual(32);
  });

  test('contain a limit at which requests were answered in time', () => {
    const server = overload({ capacity: 16, kind: 'timeout', sigma: 0.15 });
    const warmStart: Learned = {
      version: 1,
      durationsMs: {},
      resources: { simulation: { limit: 64 } },
    };
    const first = run(server, { warmStart }, alike(70)).learned;
    expect(first.resources.simulation).toMatchObject({ limit: 16, ceiling: 32 });
    expect(run(server, { warmStart: first }, alike(70)).wastedShare).toBe(0);
  });

  test('are passed on by a run that was too short to measure', () => {
    const likely = [{ probability: 1, work: { 'action/0': 1_000 } }];
    const resources = { simulation: { limit: 64, likely, outputTokens: { 'action/0': 200 } } };
    const { learned } = run(
      fixedLatency(),
      { warmStart: { version: 1, durationsMs: {}, resources } },
      alike(3),
    );
    const { limit, likely: [first] = [], outputTokens } = learned.resources.simulation ?? {};
    expect(limit).toBe(64);
    expect(first?.knee).toBeUndefined();
    expect(first?.probability).toBeGreaterThan(0.9);
    expect(first?.work['action/0']).toBeCloseTo(1_000, -2);
    expect(outputTokens?.['action/0']).toBeCloseTo(200, -1);
  });

  test('do not start lower because of an announced limit', () => {
    const server = fixedWindows({ requests: 100, windowMs: 30_000 });
    const first = run(server, {}, alike(64));
    expect(first.learned.resources.simulation?.limit).toBe(28);
    const { makespanMs } = run(server, { warmStart: first.learned }, alike(64));
    expect(makespanMs).toBeLessThan(first.makespanMs);
  });

  test('do not start above an unproven limit of a short run', () => {
    const server = overload({ capacity: 16, kind: 'timeout', sigma: 0.15 });
    for (const size of [24, 40, 64, 100]) {
      const { learned } = run(server, {}, alike(size));
      const { wastedShare } = run(server, { warmStart: learned }, alike(size));
      expect(wastedShare, `${size}`).toBe(0);
    }
  });

  test('contain the interval of an unannounced rate limit', () => {
    const server = rateLimited({ requestsPerMinute: 300, initial: 0.1, announced: false });
    const first = run(server);
    expect(first.learned.resources.simulation?.intervalMs).toBeCloseTo(200, -1);
    const second = run(server, { warmStart: first.learned });
    expect(second.rateLimited).toBeLessThanOrEqual(first.rateLimited);
  });

  test('can be read at any time without side effects', () => {
    const startsOf = (isRead: boolean) => {
      const strategy = adaptive();
      const begin: Strategy['begin'] = (view) => {
        const scheduler = strategy.begin(view) as Required<Scheduler>;
        const read = () => {
          if (isRead) strategy.learned();
        };
        return {
          ready: (task) => scheduler.ready(task),
          next: (now) => scheduler.next(now),
          output(task, part) {
            scheduler.output(task, part);
            read();
          },
          settled(task, outcome) {
            scheduler.settled(task, outcome);
            read();
          },
        };
      };
      const { plan, demandOf } = alike(200);
      const server = concurrencyKnee({ knee: 8, sigma: 0.15 });
      const reading = { name: 'reading', maxParallel: 128, begin };
      return simulateOn(plan, { server, strategy: reading, demandOf, tokensPerChunk: 20 })
        .timeline.filter(({ type }) => type === 'task_started')
        .map(({ timestamp }) => timestamp);
    };
    expect(startsOf(true)).toEqual(startsOf(false));
  });

  test('are kept for resources and types that a run does not use', () => {
    const warmStart: Learned = {
      version: 1,
      durationsMs: { decision: 77 },
      resources: { elsewhere: { limit: 3 } },
    };
    const { learned } = run(fixedLatency(), { warmStart });
    expect(learned.durationsMs.decision).toBeCloseTo(77, 6);
    expect(learned.resources.elsewhere).toEqual({ limit: 3 });
  });
});

const learned = { version: 1, durationsMs: {}, resources: {} };

test.each([
  [{ maxParallel: 0 }, 'maxParallel must be an integer ≥ 1'],
  [{ adaptiveThreshold: 0 }, 'adaptiveThreshold must be a number > 0 and ≤ 1; it is 0'],
  [{ adaptiveThreshold: 1.1 }, 'adaptiveThreshold must be a number > 0 and ≤ 1'],
  [{ adaptiveThreshold: '0.5' }, 'adaptiveThreshold must be a number > 0 and ≤ 1'],
  [{ treshold: 1 }, 'adaptive() has no option "treshold". It takes maxParallel, adaptiveThreshold'],
  [4, 'adaptive() takes an object of options'],
  [{ warmStart: null }, 'warmStart must be an object, as returned by learned(); it is null'],
  [{ warmStart: { ...learned, version: 2 } }, 'warmStart.version must be 1'],
  [{ warmStart: { ...learned, resource: {} } }, 'warmStart has no field "resource"'],
  [
    { warmStart: { ...learned, durationsMs: { action: 0 } } },
    'warmStart.durationsMs.action must be a number > 0; it is 0',
  ],
  [
    { warmStart: { ...learned, durationsMs: { acton: 1 } } },
    'warmStart.durationsMs has no field "acton"',
  ],
  [
    { warmStart: { ...learned, resources: { a: { limit: 1.5 } } } },
    'warmStart.resources["a"].limit must be an integer ≥ 1; it is 1.5',
  ],
  [
    { warmStart: { ...learned, resources: { a: { limit: 1, ceiling: 0 } } } },
    'warmStart.resources["a"].ceiling must be an integer ≥ 1',
  ],
  [
    { warmStart: { ...learned, resources: { a: { limit: 1, likely: {} } } } },
    'warmStart.resources["a"].likely must be a list, as returned by learned()',
  ],
  [
    { warmStart: { ...learned, resources: { a: { limit: 1, likely: [{ knee: 0 }] } } } },
    'warmStart.resources["a"].likely[0].knee must be a number > 0; it is 0',
  ],
  [
    { warmStart: { ...learned, resources: { a: { limit: 1, likely: [{ probability: 1 }] } } } },
    'warmStart.resources["a"].likely[0].work must be an object, as returned by learned()',
  ],
  [
    { warmStart: { ...learned, resources: { a: { limit: 1, outputTokens: { action: -1 } } } } },
    'warmStart.resources["a"].outputTokens.action must be a number > 0; it is -1',
  ],
  [
    { warmStart: { ...learned, resources: { a: { limit: 1, burst: 0 } } } },
    'warmStart.resources["a"].burst must be an integer ≥ 1',
  ],
])('refuses %j', (options, message) => {
  const create = () => adaptive(options as AdaptiveOptions);
  expect(create).toThrow(OptionError);
  expect(create).toThrow(message);
});

describe('tasks that do different work', () => {
  const task = (id: string, dependencies: string[], durationMs: number, estimated: boolean) => ({
    ...{ id, description: id, dependencies },
    ...(estimated && { estimate: { durationMs } }),
  });

  /** One short task, then 40 long ones, then one that needs them all. */
  const shortThenLong = (estimated: boolean) => {
    const long = Array.from({ length: 40 }, (_, index) => `long ${index}`);
    return [
      task('short', [], 60, estimated),
      ...long.map((id) => task(id, ['short'], 9_000, estimated)),
      task('last', long, 1_000, estimated),
    ];
  };

  /** One task in four is long; they start together, and the short ones end first. */
  const mixedLevel = (estimated: boolean) =>
    Array.from({ length: 120 }, (_, index) => {
      const durationMs = index % 4 === 0 ? 50_000 + 100 * index : 2_000 + 10 * index;
      return task(`${index}`, [], durationMs, estimated);
    });

  /** Levels of ten tasks; each takes three times as long as the one before. */
  const longerAndLonger = (estimated: boolean) =>
    Array.from({ length: 60 }, (_, index) => {
      const level = Math.floor(index / 10);
      const dependencies = level === 0 ? [] : [`${index - 10}`];
      return task(`${index}`, dependencies, 100 * 3 ** level + index, estimated);
    });

  test.each([8, 16])('are no sign of load, with at most %s at once', (maxParallel) => {
    for (const tasksOf of [shortThenLong, mixedLevel, longerAndLonger]) {
      const durations = new Map(
        tasksOf(true).map(({ id, estimate }) => [id, estimate?.durationMs]),
      );
      for (const outputTokens of [0, 1_000]) {
        const demandOf = ({ id }: { id: string }) => {
          return { workMs: durations.get(id) ?? 0, inputTokens: 100, outputTokens };
        };
        for (const estimated of [false, true]) {
          const makespanMs = (strategy: Strategy) =>
            simulateOn(
              { goal: 'x', tasks: tasksOf(estimated) },
              { server: fixedLatency(), strategy, demandOf },
            ).metrics.executionTimeMs;
          const ratio =
            makespanMs(adaptive({ maxParallel })) / makespanMs(parallel({ maxParallel }));
          expect(ratio, `${tasksOf.name}, ${outputTokens} tokens`).toBeLessThan(1.1);
        }
      }
    }
  });

  test('are compared by what their estimates leave open', () => {
    const strategy = adaptive();
    simulateOn({ goal: 'x', tasks: mixedLevel(true) }, { server: fixedLatency(), strategy });
    const [likeliest] = strategy.learned()?.resources.simulation?.likely ?? [];
    expect(likeliest?.work['action/0/estimated']).toBeCloseTo(1, 6);
    expect(likeliest?.knee).toBeUndefined();
  });
});
