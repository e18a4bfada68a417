import type { PlanEvent, PlanResult } from '@stratagem/core';
import {
  chaosOf,
  describeChaosOfMock,
  json,
  type Received,
  type Reply,
  reset,
  runInChild,
  silence,
  testServer,
} from '@stratagem/test-kit';
import { expect, test } from 'vitest';
import { apiKey, chunksOf, compatible, cut, failing, saying } from '../test/model.js';
import { aiSdk } from './ai-sdk.js';

const server = testServer('/v1');

/** The last word of the prompt: which task it is. */
function taskOf({ body }: Received): string {
  const [, number] = /Say (\d+)\./.exec(JSON.stringify(body)) ?? [];
  return `task-${number}`;
}

const answer: Reply = (response, received) =>
  saying({ text: `Here it is: ${taskOf(received)}` })(response, received);
const quoted = `The key ${apiKey} is over its limit`;
const faults: Record<string, Reply> = {
  'server error': failing(500),
  'no capacity': failing(503),
  'limit with a time': json(429, { error: { message: quoted } }, { 'retry-after-ms': '20' }),
  'limit without a time': json(429, { error: { message: quoted } }),
  'no JSON': (response) => response.writeHead(200).end('{"choices": [{'),
  'a stream of nonsense': (response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {"a\n\n'),
  'a stream that is cut': cut(chunksOf({ text: 'Half of' }).slice(0, 1)),
  'a stream without an end': (response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(),
  'a broken connection': reset,
  silence,
};

const completions = (timeline: readonly PlanEvent[]) =>
  timeline.filter(({ type }) => type === 'task_completed').length;

test('with a fault in five answers, 500 tasks are each done once, and the process ends', async () => {
  const chaos = chaosOf(faults, 0.2, answer, taskOf);
  server.replyWith(chaos.reply);
  const module = new URL('../test/factory.mjs', import.meta.url).href;
  const options = { apiKey, baseURL: server.url, timeoutMs: 3_000 };
  const child = await runInChild({ module, name: 'create' }, options, 500);

  expect(child.exitCode, child.stderr.slice(0, 2_000)).toBe(0);
  const result = JSON.parse(child.stdout) as PlanResult;
  expect(result.error).toBeUndefined();
  expect(result.status).toBe('completed');
  expect(completions(result.timeline)).toBe(500);
  for (const [id, output] of Object.entries(result.outputs)) {
    expect(output).toBe(`Here it is: ${id}`);
  }
  // Each request that the server saw is an attempt in the log, and each fault one that was repeated.
  const sum = (counts: ReadonlyMap<string, number>) =>
    [...counts.values()].reduce((total, times) => total + times, 0);
  const countOf = (type: PlanEvent['type']) =>
    result.timeline.filter((event) => event.type === type).length;
  expect(chaos.answered.size).toBe(500);
  expect(chaos.served.size).toBe(Object.keys(faults).length);
  expect(sum(chaos.served)).toBeGreaterThan(110);
  expect(countOf('task_started')).toBe(sum(chaos.answered) + sum(chaos.served));
  expect(countOf('task_retrying')).toBe(countOf('task_started') - 500);
  for (const written of [child.stdout, child.stderr]) {
    expect(written.includes('[redacted]')).toBe(true);
    expect(written.includes(apiKey)).toBe(false);
  }
});

describeChaosOfMock((url) => aiSdk(compatible(`${url}/v1`)));
