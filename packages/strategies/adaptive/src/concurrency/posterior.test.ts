import type { TaskView } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import type { Request } from '../model/request.js';
import { Posterior } from './posterior.js';

const MAX = 128;

/** A server that works on so many at once, as fast as it is asked to: a second of work each, or so. */
class Server {
  readonly belief: Posterior;
  speed: (inFlight: number) => number;
  /** Whether answers say how much was written. */
  tellsTokens = false;
  /** In how many stretches of text an answer comes, those before its end. */
  stretches = 0;
  #now = 0;
  #order = 0;
  /** The work that is left of each stretch. */
  readonly #open = new Map<Request, number[]>();
  #hanging: [Request, number[]] | undefined;

  constructor(speed: (inFlight: number) => number, belief = new Posterior(MAX)) {
    this.speed = speed;
    this.belief = belief;
  }

  /** Keeps so many in flight until so many are answered. */
  answer(answers: number, inFlight: number): this {
    for (let answered = 0; answered < answers; ) {
      while (this.#open.size < inFlight) this.#start();
      if (this.#next()) answered++;
    }
    this.belief.update();
    return this;
  }

  /** Keeps so many in flight until so many stretches of text have come. */
  write(stretches: number, inFlight: number): this {
    for (let written = 0; written < stretches; written++) {
      while (this.#open.size < inFlight) this.#start();
      this.#next();
    }
    this.belief.update();
    return this;
  }

  /** One request gets on no more, until it is released. */
  hang(): this {
    const [[request, parts] = []] = this.#open;
    if (request === undefined || parts === undefined) throw new Error('there is none');
    this.#hanging = [request, parts];
    this.#open.delete(request);
    return this;
  }

  release(): this {
    if (this.#hanging !== undefined) this.#open.set(...this.#hanging);
    this.#hanging = undefined;
    return this;
  }

  /** Answers nothing for so long. */
  wait(ms: number): this {
    this.#now += ms;
    this.belief.passed(this.#open.size, this.#now);
    this.belief.update();
    return this;
  }

  #start(): void {
    const order = this.#order++;
    const task = { type: 'action', index: order } as TaskView;
    const request = { task, order, startedAt: this.#now, beside: this.#open.size };
    this.belief.passed(this.#open.size, this.#now);
    this.belief.started(request);
    const work = 1_000 * Math.exp(this.#logOf(order));
    const parts = Array.from({ length: this.stretches + 1 }, (_, part) =>
      Math.exp(this.#logOf(order + 7.44 * part)),
    );
    const total = parts.reduce((sum, part) => sum + part, 0);
    this.#open.set(
      request,
      parts.map((part) => (work * part) / total),
    );
  }

  /** Between 0.6 and 1.6 s, the same every time. */
  #logOf(order: number): number {
    return 0.5 * Math.sin(12.9898 * order) ** 3;
  }

  /** @returns Whether it is an answer that came. */
  #next(): boolean {
    const held = this.#open.size;
    const speed = this.speed(held);
    const first = (parts: readonly number[]) => parts[0] as number;
    const [request, parts] = [...this.#open].reduce((a, b) => (first(b[1]) < first(a[1]) ? b : a));
    const work = parts.shift() as number;
    for (const [other, left] of this.#open) if (other !== request) left[0] = first(left) - work;
    this.#now += work / speed;
    this.belief.passed(held, this.#now);
    if (parts.length > 0) {
      this.belief.wrote(request, 100);
      return false;
    }
    this.#open.delete(request);
    const tokens = this.tellsTokens ? Math.exp(this.#logOf(request.order)) * 200 : undefined;
    this.belief.answered(request, 1_000, tokens);
    return true;
  }
}

const knee = (at: number, exponent: number) => (inFlight: number) =>
  Math.min(1, (at / inFlight) ** exponent);
/** How likely it is that the knee is below, whatever more bring. */
const isBelow = ({ hypotheses, probabilities }: Posterior, at: number) =>
  hypotheses.reduce((sum, { knee }, h) => sum + (knee < at ? (probabilities[h] as number) : 0), 0);

const likelihood = ({ hypotheses, probabilities }: Posterior, at: number, exponent: number) =>
  hypotheses.reduce(
    (sum, each, h) =>
      each.knee === at && each.exponent === exponent ? sum + (probabilities[h] as number) : sum,
    0,
  );

test('cannot tell servers apart as long as as many are in flight', () => {
  const { belief } = new Server(knee(4, 1.5)).answer(60, 16);
  // But for the first sixteen, which ended beside fewer and fewer that had started with them.
  expect(belief.isPast(16)).toBeGreaterThan(0.1);
  expect(belief.isPast(16)).toBeLessThan(0.9);
});

test.each([
  [4, 1.5],
  [16, 1],
  [16, 1.5],
])(
  'finds a knee at %i, exponent %d, by some answers at several numbers in flight',
  (at, exponent) => {
    const server = new Server(knee(at, exponent));
    for (const inFlight of [16, 32, 8, 4, 2]) server.answer(25, inFlight);
    expect(server.belief.knee).toBe(at);
    expect(likelihood(server.belief, at, exponent)).toBeGreaterThan(0.5);
  },
);

test('finds that there is none', () => {
  const { belief } = new Server(() => 1).answer(16, 16).answer(64, 64);
  expect(belief.isPast(64)).toBeLessThan(0.05);
  expect(belief.knee).toBeGreaterThanOrEqual(64);
});

test('counts what is not answered', () => {
  const server = new Server(() => 1).answer(20, 16).answer(1, 32);
  const before = server.belief.isPast(32);
  expect(server.wait(1_000).belief.isPast(32)).toBeGreaterThan(before);
  expect(server.wait(10_000).belief.isPast(32)).toBeGreaterThan(0.95);
});

describe('a server that becomes slower', () => {
  const settled = () => {
    const server = new Server(knee(32, 1.5)).answer(100, 32);
    server.belief.watch();
    return server;
  };

  test('is no surprise while it does not', () => {
    expect(settled().answer(60, 32).belief.surprise).toBeLessThan(3);
  });

  test('is one soon when it does, and what is left is how long a request takes alone', () => {
    const server = settled();
    server.answer(40, 32);
    server.speed = knee(8, 1.5);
    server.answer(20, 32);
    expect(server.belief.surprise).toBeGreaterThan(8);
    server.belief.restart();
    expect(server.belief.surprise).toBe(0);
    expect(server.belief.isPast(32)).toBeLessThan(0.5);
    // The first 24 began before, and tell nothing.
    expect(server.answer(24, 8).belief.isPast(32)).toBeLessThan(0.5);
    expect(isBelow(server.answer(40, 16).belief, 32)).toBeGreaterThan(0.9);
    expect(server.belief.knee).toBe(8);
  });
});

describe('what goes from one run to the next', () => {
  test('is what requests take, and where the knee is', () => {
    const server = new Server(knee(4, 1.5)).answer(25, 16).answer(25, 4).answer(25, 2);
    const { likely, outputTokens } = server.belief;
    const [found] = likely;
    expect(found).toMatchObject({ knee: 4, exponent: 1.5 });
    expect(found?.latenciesMs.action).toBeGreaterThan(750);
    expect(found?.latenciesMs.action).toBeLessThan(1_250);
    expect(outputTokens).toBeUndefined();

    const next = new Posterior(MAX);
    next.resume(likely, outputTokens, 4);
    expect(next.knee).toBe(4);
    expect(likelihood(next, 4, 1.5)).toBeGreaterThan(0.2);
    expect(new Server(knee(4, 1.5), next).answer(5, 4).belief.knee).toBe(4);
  });

  test('is given up where it is wrong', () => {
    const next = new Posterior(MAX);
    const latenciesMs = { action: 1_000 };
    next.resume([{ knee: 64, exponent: 1.5, probability: 1, latenciesMs }], undefined, 16);
    const server = new Server(knee(4, 1.5), next).answer(40, 16).answer(40, 8);
    expect(server.belief.isPast(16)).toBeGreaterThan(0.9);
  });

  test('may be of another grid: the nearest counts, and a knee at the most in flight is none', () => {
    const resumed = (found: number, max: number) => {
      const next = new Posterior(max);
      const latenciesMs = { action: 1_000 };
      next.resume([{ knee: found, exponent: 1.5, probability: 1, latenciesMs }], undefined, 8);
      return next;
    };
    expect(resumed(5, MAX).knee).toBe(4);
    const both = new Posterior(MAX);
    const likely = [128, 256].map((at, index) => ({
      ...{ knee: at, exponent: 1.5, probability: 0.6 - 0.2 * index },
      latenciesMs: { action: 1_000 + index },
    }));
    both.resume(likely, undefined, 8);
    expect(both.probabilities[0]).toBeGreaterThan(0.9);
    expect(resumed(32, 16).isPast(16)).toBeLessThan(0.1);
  });
});

describe('how much was written', () => {
  const unsure = ({ belief }: Server) => 1 - belief.isPast(15);

  test('tells a knee after fewer answers', () => {
    const untold = new Server(knee(8, 1.5)).answer(8, 8).answer(10, 16);
    const told = new Server(knee(8, 1.5));
    told.tellsTokens = true;
    told.answer(8, 8).answer(10, 16);
    expect(unsure(told)).toBeLessThan(unsure(untold) / 4);
  });

  test('is not told by a count of nothing', () => {
    const { belief } = new Server(knee(8, 1.5));
    const task = { type: 'action', index: 0 } as TaskView;
    const request = { task, order: 0, startedAt: 0, beside: 0 };
    belief.started(request);
    belief.passed(1, 1_000);
    belief.answered(request, 60, 0);
    expect(belief.tellsTokens).toBe(false);
  });

  test('is handed on', () => {
    const server = new Server(knee(8, 1.5));
    server.tellsTokens = true;
    expect(server.answer(40, 8).belief.outputTokens?.action).toBeCloseTo(200, -2);
  });
});

describe('a knee that moves up', () => {
  test('shows by answers while more are in flight, and not by others', () => {
    const server = new Server(knee(8, 1.5)).answer(40, 16).answer(60, 8);
    server.belief.watchRise();
    expect(server.answer(16, 8).belief.rise).toBe(0);
    expect(server.answer(16, 16).belief.rise).toBeLessThan(1);
    server.speed = knee(32, 1.5);
    expect(server.answer(24, 16).belief.rise).toBeGreaterThan(5);
    server.belief.endRise();
    expect(server.belief.rise).toBe(0);
  });
});

describe('text that comes while it is written', () => {
  /** A server that has written a few stretches for each of sixteen. */
  const writing = (speed: (inFlight: number) => number) => {
    const server = new Server(speed);
    server.stretches = 12;
    return server.write(64, 16);
  };

  test('says nothing as long as as many are in flight', () => {
    expect(writing(knee(4, 1.5)).belief.probabilities[0]).toBeCloseTo(
      new Posterior(MAX).probabilities[0] as number,
      1,
    );
  });

  test('tells a knee from none before anything is answered', () => {
    expect(writing(knee(4, 1.5)).write(48, 24).belief.isPast(16.1)).toBeGreaterThan(0.95);
    expect(
      writing(() => 1)
        .write(48, 24)
        .belief.isPast(24),
    ).toBeLessThan(0.05);
  });

  test('counts what has not come, lest only fast requests count', () => {
    const server = writing(() => 1).write(24, 24);
    const before = server.belief.isPast(24);
    expect(server.wait(80).belief.isPast(24)).toBeGreaterThan(before);
  });

  test('is not outweighed by one request that hangs', () => {
    const server = writing(() => 1).write(48, 24);
    server.hang();
    expect(server.write(48, 24).belief.isPast(24)).toBeLessThan(0.05);
    server.wait(60_000).release();
    expect(server.write(48, 24).belief.isPast(24)).toBeLessThan(0.05);
  });

  test('is not compared with what came before a pause of the request', () => {
    const belief = new Posterior(MAX);
    const task = { type: 'action', index: 0 } as TaskView;
    const request = { task, order: 0, startedAt: 0, beside: 0 };
    belief.started(request);
    const write = (now: number) => {
      belief.passed(1, now);
      return belief.wrote(request, 100);
    };
    expect([write(100), write(200), write(300)]).toEqual([false, true, true]);
    belief.paused(request);
    expect([write(5_000), write(5_100)]).toEqual([false, true]);
    expect(belief.slowing).toBe(0);
  });

  test('out of a buffer says nothing', () => {
    const belief = new Posterior(MAX);
    const task = { type: 'action', index: 0 } as TaskView;
    const request = { task, order: 0, startedAt: 0, beside: 0 };
    belief.started(request);
    belief.passed(1, 1_000);
    expect([1, 2, 3].map(() => belief.wrote(request, 1_000))).toEqual([false, false, false]);
  });

  test('shows at once that the server has become slower, and not that more are in flight', () => {
    const server = writing(knee(8, 1.5)).write(100, 8).write(100, 16);
    expect(server.belief.slowing).toBeLessThan(3);
    server.speed = knee(2, 1.5);
    expect(server.write(24, 16).belief.slowing).toBeGreaterThan(8);
    server.belief.restart();
    expect(server.belief.slowing).toBe(0);
  });

  test('shows a knee that has moved up while more are in flight, and not otherwise', () => {
    const server = writing(knee(8, 1.5)).write(200, 4).write(200, 8);
    expect(server.belief.knee).toBe(8);
    server.belief.watchRise();
    expect(server.write(24, 12).belief.rise).toBeLessThan(1);
    server.write(200, 8);
    server.speed = knee(32, 1.5);
    expect(server.write(20, 12).belief.rise).toBeGreaterThan(5);
  });
});
