import type { PlanResult, RunEvent } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import { chaosOf, runInChild } from '../chaos.js';
import { describeChaosOfMock } from '../mock-chaos.js';
import {
  json,
  type Received,
  type Reply,
  reset,
  silence,
  streamsOf,
  testServer,
} from '../server.js';
import type { ProviderSubject } from './subject.js';

/** Plans at servers that often fail, for each API. */
export function chaosConformance(subject: ProviderSubject): void {
  const { apiKey, apis, basePath, saying } = subject;
  const { chaos: setup } = subject;
  const server = testServer(basePath);
  const answer: Reply = (response, received) =>
    saying({ text: `Here it is: ${taskOf(received)}` })(response, received);

  describe.each(apis)('with $name, and a fault in one of five responses', ({ options }) => {
    test('500 tasks are each done once, the log has each fault, and the process ends', async () => {
      const faults = { ...commonFaults(subject), ...setup.faults };
      const chaos = chaosOf(faults, 0.2, answer, taskOf);
      server.replyWith(chaos.reply);
      // The first requests load the SDK, which takes seconds on a busy machine.
      const child = await runInChild(
        { module: setup.module, name: setup.factory },
        { apiKey, baseURL: server.url, timeoutMs: 10_000, ...setup.options, ...options },
        500,
      );
      expect(child.exitCode, child.stderr.slice(0, 2_000)).toBe(0);
      const result = JSON.parse(child.stdout) as PlanResult;
      expect(result.error).toBeUndefined();
      expect(result.status).toBe('completed');
      const countOf = (type: RunEvent['type']) =>
        result.timeline.filter((event) => event.type === type).length;
      expect(countOf('task_completed')).toBe(500);
      expect(Object.values(result.outputs)).toHaveLength(500);
      for (const [id, output] of Object.entries(result.outputs)) {
        expect(output).toBe(`Here it is: ${id}`);
      }
      // Each request at the server is an attempt in the log, and each fault one that was repeated.
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
  });

  describe.each(apis)('with $name,', ({ options }) => {
    describeChaosOfMock((url) => subject.create(`${url}${basePath}`, options));
  });
}

/** The task of a request: the last word of its prompt. */
function taskOf({ body }: Received): string {
  const [, number] = /Say (\d+)\./.exec(JSON.stringify(body)) ?? [];
  return `task-${number}`;
}

function commonFaults({ apiKey, begun, errorBody, wire }: ProviderSubject): Record<string, Reply> {
  const failing = (status: number) => json(status, errorBody({ message: 'No.' }));
  const limit = errorBody({
    type: 'rate_limit_error',
    message: `The key ${apiKey} is over its limit`,
  });
  const bareStream =
    (text?: string): Reply =>
    (response) =>
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text);
  return {
    'server error': failing(500),
    'no capacity': failing(503),
    'limit with a time': json(429, limit, { 'retry-after-ms': '20' }),
    'limit without a time': json(429, limit),
    'a stream that is not JSON': bareStream('data: {"a\n\n'),
    'a stream that is cut': streamsOf(wire).cut(begun.events),
    'a stream without an end': bareStream(),
    'a broken connection': reset,
    silence,
  };
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, times) => total + times, 0);
}
