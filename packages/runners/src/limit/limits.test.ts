import { expect, test } from 'vitest';
import { Limits, type SentRequest } from './limits.js';
import { TokenBucket } from './token-bucket.js';

const NONE = Number.POSITIVE_INFINITY;

test('uses a limit of a server that takes smaller bursts, in a process that often comes late', () => {
  const limits = new Limits({
    ...{ requestsPerMinute: 6_000, tokensPerMinute: NONE },
    ...{ inputTokensPerMinute: NONE, outputTokensPerMinute: NONE, maxConcurrent: NONE },
    ...{ burstMs: 250, noticeAfterMs: NONE },
  });
  const server = new TokenBucket(0.1, 20, 0);
  const inFlight: { readonly sent: SentRequest; readonly at: number; readonly ok: boolean }[] = [];
  let admitted = 0;
  let refused = 0;
  const endMs = 120_000;
  for (let now = 0; now < endMs; now++) {
    // Every five seconds, nothing is sent for 260 ms.
    if (now % 5_000 < 260) continue;
    while ((inFlight[0]?.at ?? NONE) <= now) {
      const { sent, ok } = inFlight.shift() as (typeof inFlight)[number];
      limits.recordEnd(sent, ok ? {} : { code: 'rate_limited', retryAfterMs: 20 }, now);
    }
    const estimate = limits.estimate(10);
    while (limits.delay(estimate, now) === undefined) {
      const ok = server.waitMs(0, now) === 0;
      if (ok) server.take(1, now);
      if (ok) admitted++;
      else refused++;
      inFlight.push({ sent: limits.recordSent(10, estimate, now), at: now + 30, ok });
    }
  }
  expect(admitted / (endMs * 0.1)).toBeGreaterThan(0.94);
  expect(refused).toBeLessThan(20);
});

/** Requests in two minutes of a process and a server that come late at random, by up to so much. */
function onBusyMachine(serverBurst: number, lateMs: number) {
  const random = randomOf(1);
  const nextAfter = (now: number) =>
    now + (random() < 0.05 ? random() * lateMs : 1 + random() * 10);
  const limits = new Limits({
    ...{ requestsPerMinute: 6_000, tokensPerMinute: NONE },
    ...{ inputTokensPerMinute: NONE, outputTokensPerMinute: NONE, maxConcurrent: NONE },
    ...{ burstMs: 250, noticeAfterMs: NONE },
  });
  const server = new TokenBucket(0.1, serverBurst, 0);
  const onTheWay: SentRequest[] = [];
  const inFlight: { readonly sent: SentRequest; readonly at: number; readonly ok: boolean }[] = [];
  const estimate = limits.estimate(10);
  const endMs = 120_000;
  let admitted = 0;
  let refused = 0;
  let [clientAt, serverAt, dueAt] = [0, 0, 0];
  for (let now = 0; now < endMs; now++) {
    if (now >= serverAt) {
      serverAt = nextAfter(now);
      for (const sent of onTheWay.splice(0)) {
        const ok = server.waitMs(0, now) === 0;
        if (ok) server.take(1, now);
        if (ok) admitted++;
        else refused++;
        inFlight.push({ sent, at: now + 30, ok });
      }
    }
    if (now < clientAt) continue;
    clientAt = nextAfter(now);
    while ((inFlight[0]?.at ?? NONE) <= now) {
      const { sent, ok } = inFlight.shift() as (typeof inFlight)[number];
      limits.recordEnd(sent, ok ? {} : { code: 'rate_limited', retryAfterMs: 20 }, now);
    }
    if (now > dueAt) limits.recordLate(now - dueAt, now);
    let delay = limits.delay(estimate, now);
    for (; delay === undefined; delay = limits.delay(estimate, now)) {
      onTheWay.push(limits.recordSent(10, estimate, now));
    }
    dueAt = now + Math.ceil(delay.waitMs);
  }
  return { used: admitted / (endMs * 0.1), refused };
}

function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test.each([
  ['a second', 100, 300],
  ['a minute', 6_000, 300],
  ['a minute', 6_000, 1_000],
])('on a busy machine, uses a limit that a server counts by %s', (_, burst, lateMs) => {
  const { used, refused } = onBusyMachine(burst, lateMs);
  expect(used).toBeGreaterThan(0.95);
  expect(used).toBeLessThanOrEqual(1);
  expect(refused).toBe(0);
});
