import { LLMock } from '@copilotkit/aimock';
import { createExecutor, type RunEvent, type TaskRunner } from '@stratagem/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inOrder } from './attempt.js';

const TASKS = 40;
const WHOLE = 'As you say, and there is no more to it.';

/**
 * Tests that a provider completes plans at a mock of its service, with every fault of the mock.
 *
 * @param runnerAt The provider on the service at this address.
 */
export function describeChaosOfMock(runnerAt: (url: string) => TaskRunner): void {
  describe('against a mock of the service with chaos of its own', () => {
    const mock = new LLMock({ port: 0 });
    beforeAll(async () => {
      const answer = { content: WHOLE };
      const pieces = { chunkSize: 5 };
      // The answer is cut off twice before it arrives complete.
      for (const sequenceIndex of [0, 1]) {
        const cut = { ...pieces, truncateAfterChunks: 3 };
        mock.on({ userMessage: /^Cut/, sequenceIndex }, answer, cut);
      }
      mock.onMessage(/^Cut|^Say/, answer, pieces);
      await mock.start();
    });
    afterAll(() => mock.stop());

    const run = (descriptions: readonly string[], maxAttempts = 40, more = {}) => {
      const executor = createExecutor({
        strategy: inOrder,
        runner: runnerAt(mock.url),
        maxParallel: 20,
        retry: { maxAttempts, initialDelayMs: 5, maxDelayMs: 20 },
        ...more,
      });
      const tasks = descriptions.map((description, index) => ({
        id: `task-${index}`,
        description,
      }));
      return executor.execute({ goal: 'chaos', tasks });
    };

    test.each([
      ['errors', { dropRate: 0.2 }],
      ['malformed answers', { malformedRate: 0.2 }],
      ['broken connections', { disconnectRate: 0.2 }],
      ['slow answers', { latencyMs: 100, dropRate: 0.1, disconnectRate: 0.1 }],
      ['a limit that is rarely reached', { rateLimitRate: 0.05 }],
      ['a limit that is often reached', { rateLimitRate: 0.25 }],
      ['a limit that every second request reaches', { rateLimitRate: 0.5 }],
    ])('a plan is completed despite %s', async (_, chaos) => {
      mock.setChaos(chaos);
      const questions = Array.from({ length: TASKS }, (_, index) => `Say ${index}.`);
      const { error, outputs, timeline } = await run(questions);
      mock.clearChaos();
      expect(error).toBeUndefined();
      expect(completedIn(timeline)).toHaveLength(TASKS);
      expect(new Set(completedIn(timeline)).size).toBe(TASKS);
      expect(Object.values(outputs)).toEqual(Array(TASKS).fill(WHOLE));
      expectPauses(timeline);
    });

    test('an answer that is cut off in the middle is requested again', async () => {
      const { outputs, timeline } = await run(['Cut it.'], 3, { onEvent: () => {} });
      expect(outputs).toEqual({ 'task-0': WHOLE });
      const retries = timeline.filter(({ type }) => type === 'task_retrying');
      expect(retries).toMatchObject([
        { error: { code: 'connection' } },
        { error: { code: 'connection' } },
      ]);
    });
  });
}

function completedIn(timeline: readonly RunEvent[]): string[] {
  return timeline.flatMap((event) => (event.type === 'task_completed' ? event.taskId : []));
}

/** Nothing starts while the server asks to wait, which each of its refusals does. */
function expectPauses(timeline: readonly RunEvent[]): void {
  let pausedUntil = 0;
  for (const event of timeline) {
    if (event.type === 'task_retrying' && event.error.code === 'rate_limited') {
      expect(event.error.retryAfterMs).toBe(1_000);
    }
    if (event.type === 'resource_paused') {
      pausedUntil = Math.max(pausedUntil, event.timestamp + event.pauseMs);
    }
    if (event.type === 'task_started') expect(event.timestamp).toBeGreaterThanOrEqual(pausedUntil);
  }
}
