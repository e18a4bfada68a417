import { adaptive } from '@stratagem/adaptive';
import { type ServerModel, simulateOn, summarize } from '@stratagem/simulation';
import { describe, expect, test } from 'vitest';
import { BatchingEngine } from './batching-engine.js';
import { play } from './cell.js';
import { ENGINE_WORKLOADS, ENGINES } from './engines.js';
import { batchOf, type ServerCase } from './matrix.js';
import { fixed } from './strategies.js';

const [oneThread, twoThreads] = ENGINES as [ServerCase, ServerCase];
const [of64, of200] = ENGINE_WORKLOADS as [
  (typeof ENGINE_WORKLOADS)[0],
  (typeof ENGINE_WORKLOADS)[0],
];

describe('an engine', () => {
  const engine = (sequences: number) =>
    new BatchingEngine({
      ...{ sequences, seed: 1, sigma: 0, tokensPerPass: 100, promptTokenMs: 1 },
      answerTokenMs: (answers) => 12 / answers,
    });
  const request = (taskId: string, inputTokens: number, outputTokens: number) => ({
    ...{ taskId, inputTokens, outputTokens, tokensPerChunk: 1, workMs: 0 },
    ...{ attempt: 1, resource: 'engine' },
  });
  /** What it sends, with the times. */
  const sent = (server: BatchingEngine) => {
    const log: string[] = [];
    for (let now = server.nextAt; now < Number.POSITIVE_INFINITY; now = server.nextAt) {
      const response = server.advance(now);
      if (response === undefined) continue;
      log.push(`${now} ${response.request.taskId}${'tokens' in response ? '' : ' ends'}`);
    }
    return log;
  };

  test('writes the first token after the prompt, and delays other answers by a prompt', () => {
    const server = engine(2);
    server.start(request('a', 30, 3), 0);
    server.start(request('b', 120, 2), 10);
    // The prompt of b takes two passes: 99 tokens beside a token of a, and 21.
    expect(sent(server)).toEqual(['30 a', '141 a', '174 a ends', '174 b', '186 b ends']);
  });

  test('lets requests wait for a sequence, and drops aborted ones', () => {
    const server = engine(1);
    const [a, b] = [request('a', 10, 2), request('b', 10, 1)];
    for (const each of [a, b, request('c', 10, 1)]) server.start(each, 0);
    server.abort(b);
    expect(sent(server)).toEqual(['10 a', '22 a ends', '32 c ends']);
  });
});

const secondsAt = (workload: (typeof ENGINE_WORKLOADS)[0], { model }: ServerCase, cap: number) =>
  summarize(play(workload(1), model([]), 1, fixed(cap).create())).makespanMs / 1_000;

test('with one thread, llama.cpp is fastest with 16 at once', () => {
  const others = [1, 2, 4, 8, 32].map((cap) => secondsAt(of64, oneThread, cap));
  expect(Math.min(...others)).toBeGreaterThan(1.05 * secondsAt(of64, oneThread, 16));
});

test('with two threads, the throughput of llama.cpp falls and then rises', () => {
  const [one, eight, most] = [1, 8, 32].map((cap) => secondsAt(of200, twoThreads, cap));
  expect(eight).toBeGreaterThan(1.2 * (one as number));
  expect(eight).toBeGreaterThan(1.3 * (most as number));
});

test('adaptive sends few requests that would time out in the queue of an engine', () => {
  const { plan, demandOf } = batchOf(300)(1);
  const server: ServerModel = {
    name: 'four sequences',
    begin: (seed) =>
      new BatchingEngine({
        ...{ seed, sigma: 0.1, sequences: 4, tokensPerPass: 512, promptTokenMs: 0.3 },
        answerTokenMs: (answers) => 20 / answers,
      }),
  };
  const result = simulateOn(plan, {
    ...{ server, strategy: adaptive(), demandOf },
    ...{ seed: 1, timeoutMs: 60_000, tokensPerChunk: 20, retry: { maxAttempts: 20 } },
  });
  expect(result.status).toBe('completed');
  const retries = result.timeline.filter(({ type }) => type === 'task_retrying');
  expect(retries.length).toBeLessThan(15);
});
