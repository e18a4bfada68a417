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
