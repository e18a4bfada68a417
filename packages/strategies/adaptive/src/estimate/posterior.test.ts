import type { TaskView } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import { Posterior } from './posterior.js';
import { createRequest, type Request } from './request.js';

const MAX = 128;

/** A processor-sharing server. Each request is about a second of work. */
class Server {
  readonly posterior: Posterior;
  speed: (inFlight: number) => number;
  /** Whether answers report their tokens. */
  reportsTokens = false;
  /** Segments of text before the end of an answer. */
  segments = 0;
  #now = 0;
  #order = 0;
  /** The remaining work of each segment. */
  readonly #open = new Map<Request, number[]>();
  #hanging: [Request, number[]] | undefined;

  constructor(speed: (inFlight: number) => number, posterior = new Posterior(MAX)) {
    this.speed = speed;
    this.posterior = posterior;
  }

  /** Keeps this many requests in flight until this many are answered. */
  answer(answers: number, inFlight: number): this {
    for (let answered = 0; answered < answers; ) {
      while (this.#open.size < inFlight) this.#start();
      if (this.#next()) answered++;
    }
    this.posterior.update();
    return this;
  }

  /** Keeps this many requests in flight until this many segments have arrived. */
  write(segments: number, inFlight: number): this {
    for (let written = 0; written < segments; written++) {
      while (this.#open.size < inFlight) this.#start();
      this.#next();
    }
    this.posterior.update();
    return this;
  }

  /** Suspends one request until `release`. */
  hang(): this {
    const [[request, parts] = []] = this.#open;
    if (request === undefined || parts === undefined) throw new Error('no request is in flight');
    this.#hanging = [request, parts];
    this.#open.delete(request);
    return this;
  }

  release(): this {
    if (this.#hanging !== undefined) this.#open.set(...this.#hanging);
    this.#hanging = undefined;
    return this;
  }

  /** Lets time pass without an answer. */
  wait(ms: number): this {
    this.#now += ms;
    this.posterior.advance(this.#open.size, this.#now);
    this.posterior.update();
    return this;
  }

  #start(): void {
    const order = this.#order++;
    const task = { type: 'action', level: 0, index: order } as TaskView;
    const attempt = { startedAt: this.#now, othersInFlight: this.#open.size };
    const request = createRequest(task, attempt);
    this.posterior.advance(this.#open.size, this.#now);
    this.posterior.recordStart(request);
    const work = 1_000 * Math.exp(this.#logOf(order));
    const parts = Array.from({ length: this.segments + 1 }, (_, part) =>
      Math.exp(this.#logOf(order + 7.44 * part)),
    );
    const total = parts.reduce((sum, part) => sum + part, 0);
    this.#open.set(
      request,
      parts.map((part) => (work * part) / total),
    );
  }

  /** Between 0.6 and 1.6 s, deterministic. */
  #logOf(order: number): number {
    return 0.5 * Math.sin(12.9898 * order) ** 3;
  }

  /** @returns Whether the event was an answer. */
  #next(): boolean {
    const inFlight = this.#open.size;
    const speed = this.speed(inFlight);
    const first = (parts: readonly number[]) => parts[0] as number;
    const [request, parts] = [...this.#open].reduce((a, b) => (first(b[1]) < first(a[1]) ? b : a));
    const work = parts.shift() as number;
    for (const [other, left] of this.#open) if (other !== request) left[0] = first(left) - work;
    this.#now += work / speed;
    this.posterior.advance(inFlight, this.#now);
    if (parts.length > 0) {
      this.posterior.recordText(request, 100);
      return false;
    }
    this.#open.delete(request);
    const tokens = this.reportsTokens ? Math.exp(this.#logOf(request.task.index)) * 200 : undefined;
    this.posterior.recordAnswer(request, 1_000, tokens);
    return true;
  }
}

const knee = (at: number, exponent: number) => (inFlight: number) =>
  Math.min(1, (at / inFlight) ** exponent);
/** The probability of a knee below this number, with any exponent. */
const isBelow = ({ hypotheses, probabilities }: Posterior, at: number) =>
  hypotheses.reduce((sum, { knee }, h) => sum + (knee < at ? (probabilities[h] as number) : 0), 0);

const probabilityOf = ({ hypotheses, probabilities }: Posterior, at: number, exponent: number) =>
  hypotheses.reduce(
    (sum, each, h) =>
      each.knee === at && each.exponent === exponent ? sum + (probabilities[h] as number) : sum,
    0,
  );

test('cannot tell hypotheses apart while the number in flight is constant', () => {
  const { posterior } = new Server(knee(4, 1.5)).answer(60, 16);
  // Some evidence remains: the first sixteen requests all started at the same time.
  expect(posterior.saturationProbability(16)).toBeGreaterThan(0.1);
  expect(posterior.saturationProbability(16)).toBeLessThan(0.9);
});

test.each([
  [4, 1.5],
  [16, 1],
  [16, 1.5],
])(
  'finds a knee at %i with exponent %d from answers at several numbers in flight',
  (at, exponent) => {
    const server = new Server(knee(at, exponent));
    for (const inFlight of [16, 32, 8, 4, 2]) server.answer(25, inFlight);
    expect(server.posterior.likeliestKnee).toBe(at);
    expect(probabilityOf(server.posterior, at, exponent)).toBeGreaterThan(0.5);
  },
);

test('keeps what is known about the latest kinds alone', () => {
  const posterior = new Posterior(MAX);
  for (let level = 0; level < 100; level++) {
    const task = { type: 'action', level, index: level } as TaskView;
    const request = createRequest(task, { startedAt: 1_000 * level, othersInFlight: 0 });
    posterior.recordStart(request);
    posterior.advance(1, 1_000 * (level + 1));
    posterior.recordAnswer(request, 1_000, undefined);
    posterior.update();
  }
  const kinds = Object.keys(posterior.likely[0]?.work ?? {});
  expect(kinds).toEqual(Array.from({ length: 16 }, (_, latest) => `action/${84 + latest}`));
});

test('finds that there is no knee', () => {
  const { posterior } = new Server(() => 1).answer(16, 16).answer(64, 64);
  expect(posterior.saturationProbability(64)).toBeLessThan(0.05);
  expect(posterior.likeliestKnee).toBeGreaterThanOrEqual(64);
});

test('uses requests in flight as censored observations', () => {
  const server = new Server(() => 1).answer(20, 16).answer(1, 32);
  const before = server.posterior.saturationProbability(32);
  expect(server.wait(1_000).posterior.saturationProbability(32)).toBeGreaterThan(before);
  expect(server.wait(10_000).posterior.saturationProbability(32)).toBeGreaterThan(0.95);
});

describe('a server that becomes slower', () => {
  const settled = () => new Server(knee(32, 1.5)).answer(100, 32);

  test('is not detected while it stays the same', () => {
    expect(settled().answer(60, 32).posterior.slowdownLogOdds).toBeLessThan(3);
  });

  test('is detected soon, and the work of requests is kept', () => {
    const server = settled();
    server.answer(40, 32);
    server.speed = knee(8, 1.5);
    server.answer(20, 32);
    expect(server.posterior.slowdownLogOdds).toBeGreaterThan(8);
    server.posterior.forgetKnee();
    expect(server.posterior.slowdownLogOdds).toBe(0);
    expect(server.posterior.saturationProbability(32)).toBeLessThan(0.5);
    // The first 24 started before the change and are no evidence.
    expect(server.answer(24, 8).posterior.saturationProbability(32)).toBeLessThan(0.5);
    expect(isBelow(server.answer(40, 16).posterior, 32)).toBeGreaterThan(0.9);
    expect(server.posterior.likeliestKnee).toBe(8);
  });
});

describe('the data for the next run', () => {
  test('contain the latencies and the knee', () => {
    const server = new Server(knee(4, 1.5)).answer(25, 16).answer(25, 4).answer(25, 2);
    const { likely, outputTokens } = server.posterior;
    const [found] = likely;
    expect(found).toMatchObject({ knee: 4, exponent: 1.5 });
    expect(found?.work['action/0']).toBeGreaterThan(750);
    expect(found?.work['action/0']).toBeLessThan(1_250);
    expect(outputTokens).toBeUndefined();

    const next = new Posterior(MAX);
    next.warmStart({ limit: 4, likely, outputTokens });
    expect(next.likeliestKnee).toBe(4);
    expect(probabilityOf(next, 4, 1.5)).toBeGreaterThan(0.2);
    expect(new Server(knee(4, 1.5), next).answer(5, 4).posterior.likeliestKnee).toBe(4);
  });

  test('are overruled when they are wrong', () => {
    const next = new Posterior(MAX);
    const work = { 'action/0': 1_000 };
    next.warmStart({ limit: 16, likely: [{ knee: 64, exponent: 1.5, probability: 1, work }] });
    const server = new Server(knee(4, 1.5), next).answer(40, 16).answer(40, 8);
    expect(server.posterior.saturationProbability(16)).toBeGreaterThan(0.9);
  });

  test('map to the nearest hypothesis of another grid, and a knee at the cap to no knee', () => {
    const resumed = (found: number, max: number) => {
      const next = new Posterior(max);
      const work = { 'action/0': 1_000 };
      next.warmStart({ limit: 8, likely: [{ knee: found, exponent: 1.5, probability: 1, work }] });
      return next;
    };
    expect(resumed(5, MAX).likeliestKnee).toBe(4);
    const both = new Posterior(MAX);
    const likely = [128, 256].map((at, index) => ({
      ...{ knee: at, exponent: 1.5, probability: 0.6 - 0.2 * index },
      work: { 'action/0': 1_000 + index },
    }));
    both.warmStart({ limit: 8, likely });
    expect(both.probabilities[0]).toBeGreaterThan(0.9);
    expect(resumed(32, 16).saturationProbability(16)).toBeLessThan(0.1);
  });
});

describe('token counts', () => {
  const unsure = ({ posterior }: Server) => 1 - posterior.saturationProbability(15);

  test('reveal a knee after fewer answers', () => {
    const without = new Server(knee(8, 1.5)).answer(8, 8).answer(10, 16);
    const withTokens = new Server(knee(8, 1.5));
    withTokens.reportsTokens = true;
    withTokens.answer(8, 8).answer(10, 16);
    expect(unsure(withTokens)).toBeLessThan(unsure(without) / 4);
  });

  test('count as not reported when they are 0', () => {
    const { posterior } = new Server(knee(8, 1.5));
    const task = { type: 'action', level: 0, index: 0 } as TaskView;
    const request = createRequest(task, { startedAt: 0, othersInFlight: 0 });
    posterior.recordStart(request);
    posterior.advance(1, 1_000);
    posterior.recordAnswer(request, 60, 0);
    expect(posterior.outputTokens).toBeUndefined();
  });

  test('are part of the data for the next run', () => {
    const server = new Server(knee(8, 1.5));
    server.reportsTokens = true;
    expect(server.answer(40, 8).posterior.outputTokens?.['action/0']).toBeCloseTo(200, -2);
  });
});

describe('a knee that moves up', () => {
  test('is detected by answers above the old knee, and not by others', () => {
    const server = new Server(knee(8, 1.5)).answer(40, 16).answer(60, 8);
    expect(server.answer(16, 8).posterior.speedupLogOdds).toBeLessThan(3);
    expect(server.answer(16, 16).posterior.speedupLogOdds).toBeLessThan(3);
    server.speed = knee(32, 1.5);
    expect(server.answer(24, 16).posterior.speedupLogOdds).toBeGreaterThan(5);
    server.posterior.forgetKnee();
    expect(server.posterior.speedupLogOdds).toBe(0);
  });
});

describe('streamed text', () => {
  /** A server that has written a few segments of each of sixteen requests. */
  const writing = (speed: (inFlight: number) => number) => {
    const server = new Server(speed);
    server.segments = 12;
    return server.write(64, 16);
  };

  test('is no evidence while the number in flight is constant', () => {
    expect(writing(knee(4, 1.5)).posterior.probabilities[0]).toBeCloseTo(
      new Posterior(MAX).probabilities[0] as number,
      1,
    );
  });

  test('tells a knee from no knee before the first answer', () => {
    expect(
      writing(knee(4, 1.5)).write(48, 24).posterior.saturationProbability(16.1),
    ).toBeGreaterThan(0.95);
    expect(
      writing(() => 1)
        .write(48, 24)
        .posterior.saturationProbability(24),
    ).toBeLessThan(0.05);
  });

  test('counts incomplete segments as censored', () => {
    const server = writing(() => 1).write(24, 24);
    const before = server.posterior.saturationProbability(24);
    expect(server.wait(80).posterior.saturationProbability(24)).toBeGreaterThan(before);
  });

  test('is not outweighed by one request that hangs', () => {
    const server = writing(() => 1).write(48, 24);
    server.hang();
    expect(server.write(48, 24).posterior.saturationProbability(24)).toBeLessThan(0.05);
    server.wait(60_000).release();
    expect(server.write(48, 24).posterior.saturationProbability(24)).toBeLessThan(0.05);
  });

  test('is not compared across a pause of the request', () => {
    const posterior = new Posterior(MAX);
    const task = { type: 'action', level: 0, index: 0 } as TaskView;
    const request = createRequest(task, { startedAt: 0, othersInFlight: 0 });
    posterior.recordStart(request);
    const write = (now: number) => {
      posterior.advance(1, now);
      return posterior.recordText(request, 100);
    };
    expect([write(100), write(200), write(300)]).toEqual([false, true, true]);
    posterior.pauseStream(request);
    expect([write(5_000), write(5_100)]).toEqual([false, true]);
  });

  test('is no evidence while few of the requests in flight are writing', () => {
    const posterior = new Posterior(MAX);
    const requests = Array.from({ length: 6 }, (_, order) => {
      const task = { type: 'action', level: 0, index: order } as TaskView;
      return createRequest(task, { startedAt: 0, othersInFlight: order });
    });
    for (const request of requests) posterior.recordStart(request);
    const [first, second] = requests as [Request, Request];
    const write = (now: number, request: Request) => {
      posterior.advance(6, now);
      return posterior.recordText(request, 100);
    };
    expect([write(100, first), write(200, first), write(300, first)]).toEqual([
      false,
      false,
      false,
    ]);
    expect([write(400, second), write(500, second), write(600, first)]).toEqual([
      false,
      true,
      true,
    ]);
  });

  test('from a buffer is no evidence', () => {
    const posterior = new Posterior(MAX);
    const task = { type: 'action', level: 0, index: 0 } as TaskView;
    const request = createRequest(task, { startedAt: 0, othersInFlight: 0 });
    posterior.recordStart(request);
    posterior.advance(1, 1_000);
    expect([1, 2, 3].map(() => posterior.recordText(request, 1_000))).toEqual([
      false,
      false,
      false,
    ]);
  });

  test('reveals a knee that has moved up, but only above the old one', () => {
    const server = writing(knee(8, 1.5)).write(200, 4).write(200, 8);
    expect(server.posterior.likeliestKnee).toBe(8);
    expect(server.write(24, 12).posterior.speedupLogOdds).toBeLessThan(1);
    server.write(200, 8);
    server.speed = knee(32, 1.5);
    expect(server.write(20, 12).posterior.speedupLogOdds).toBeGreaterThan(5);
  });
});
