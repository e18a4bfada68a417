import type { TaskView } from '@stratagem/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Posterior } from './posterior.js';
import { createRequest, type Request } from './request.js';

const position = fc.nat(1_000);
const steps = fc.oneof(
  fc.record({ step: fc.constant('start' as const), level: fc.nat(40), estimated: fc.boolean() }),
  fc.record({ step: fc.constant('text' as const), position, characters: fc.nat(500) }),
  fc.record({ step: fc.constant('answer' as const), position, tokens: fc.nat(1_000) }),
  fc.record({ step: fc.constant('pause' as const), position }),
  fc.record({ step: fc.constant('discard' as const), position }),
  fc.record({
    step: fc.constant('wait' as const),
    ms: fc.double({ min: 0, max: 1e9, noNaN: true }),
  }),
  fc.record({ step: fc.constantFrom('ignoreOpen' as const, 'forgetKnee' as const) }),
);

test('probabilities are finite and their sum is 1, whatever happens to requests', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2, 128, 8_192),
      fc.array(steps, { maxLength: 200, size: 'max' }),
      (max, all) => {
        const posterior = new Posterior(max);
        const sent: Request[] = [];
        const open = new Set<Request>();
        let now = 0;
        for (const each of all) {
          // Also of requests that have ended.
          const at = 'position' in each ? each.position % Math.max(1, sent.length) : 0;
          const request = sent[at];
          if (each.step === 'wait') {
            now += each.ms;
            posterior.advance(open.size, now);
          } else if (each.step === 'start') {
            const { level, estimated } = each;
            const estimate = estimated ? { durationMs: 1 + level } : undefined;
            const task = { type: 'action', level, estimate } as TaskView;
            const started = createRequest(task, { startedAt: now, othersInFlight: open.size });
            sent.push(started);
            open.add(started);
            posterior.recordStart(started);
          } else if (each.step === 'ignoreOpen' || each.step === 'forgetKnee') {
            posterior[each.step]();
          } else if (request !== undefined) {
            if (each.step === 'text') posterior.recordText(request, each.characters);
            else if (each.step === 'pause') posterior.pauseStream(request);
            else if (each.step === 'discard') posterior.discard(request);
            else if (each.step === 'answer') posterior.recordAnswer(request, 60, each.tokens);
            if (each.step === 'discard' || each.step === 'answer') open.delete(request);
          }
          posterior.update();
          expect(posterior.probabilities.every((p) => p >= 0 && p <= 1)).toBe(true);
          expect(posterior.probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
          expect(posterior.slowdownLogOdds).toBeGreaterThanOrEqual(0);
          expect(posterior.speedupLogOdds).toBeGreaterThanOrEqual(0);
          for (const { work } of posterior.likely) {
            expect(Object.values(work).every((ms) => ms > 0 && Number.isFinite(ms))).toBe(true);
          }
        }
      },
    ),
    { numRuns: 100 },
  );
});
