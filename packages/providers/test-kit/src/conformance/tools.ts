import { createExecutor, createPlan, tool } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { inOrder } from '../attempt.js';
import { testServer } from '../server.js';
import { outputPartsOf } from '../timeline.js';
import type { ModelReply, ProviderSubject } from './subject.js';

const search = tool({
  name: 'search',
  description: 'Searches the papers.',
  inputSchema: z.object({ query: z.string(), limit: z.int().default(3) }),
  execute: ({ query, limit }) => ({ papers: limit, query }),
});
const fail = tool({
  name: 'fail',
  description: 'Always fails.',
  inputSchema: z.object({}),
  execute: () => Promise.reject(new Error('the archive is closed')),
});
const plan = createPlan('Papers').addTask({
  id: 'a',
  description: 'What is known about tides?',
  tools: [search, fail],
});
const twoCalls: ModelReply = {
  text: 'I look.',
  calls: [
    { name: 'search', input: { query: 'tides' } },
    { name: 'fail', input: {} },
  ],
};

/** The loop of model and tools, for each API. */
export function toolConformance(subject: ProviderSubject): void {
  const server = testServer(subject.basePath);

  /** Runs the plan with a model that gives these answers in order. */
  async function run(options: object, ...script: ModelReply[]) {
    const { requestIdHeader, saying } = subject;
    server.replyWith(
      ...script.map((reply, position) =>
        saying(reply, { [requestIdHeader]: `req-${position + 1}` }),
      ),
    );
    const runner = subject.create(server.url, options);
    const retry = { maxAttempts: 1 };
    return createExecutor({ strategy: inOrder, runner, retry, onEvent: () => {} }).execute(plan);
  }

  describe.each(subject.apis)('tools with $name', ({ options }) => {
    test('are in the log with every step, and the usage of all steps is counted', async () => {
      const result = await run(options, twoCalls, { text: 'Three papers.' });
      expect(result.error).toBeUndefined();
      expect(result.outputs).toEqual({ a: 'Three papers.' });
      const usage = { inputTokens: 12, outputTokens: 3 };
      const step = { kind: 'step', model: 'a-model-2026', usage };
      const [first, second] = [subject.callId(0), subject.callId(1)];
      const message = 'the archive is closed';
      const parts = [
        { kind: 'text', text: 'I look.' },
        { ...step, step: 1, requestId: 'req-1' },
        { kind: 'tool_call', callId: first, tool: 'search', input: { query: 'tides' } },
        { kind: 'tool_call', callId: second, tool: 'fail', input: {} },
        { kind: 'tool_result', callId: first, ok: true, output: { papers: 3, query: 'tides' } },
        { kind: 'tool_result', callId: second, ok: false, message },
        { kind: 'text', text: 'Three papers.' },
        { ...step, step: 2, requestId: 'req-2' },
      ];
      // An SDK with a loop of its own reports a step after its tools.
      if (!subject.reportsStepsFirst) parts.splice(5, 0, ...parts.splice(1, 1));
      expect(withJoinedTexts(outputPartsOf(result.timeline))).toMatchObject(parts);
      expect(result.metrics.usage).toMatchObject({ inputTokens: 24, outputTokens: 6 });
      expect(result.tasks[0]).toMatchObject({ attempts: 1 });
    });

    test('have ids that are unique in the conversation, where the server repeats its own', async () => {
      const [call] = twoCalls.calls ?? [];
      const result = await run(options, { calls: [call as never] }, twoCalls, { text: 'Done.' });
      expect(result.error).toBeUndefined();
      const parts = outputPartsOf(result.timeline) as { kind: string; callId: string }[];
      const idsOf = (kind: string) =>
        parts.filter((part) => part.kind === kind).map(({ callId }) => callId);
      expect(new Set(idsOf('tool_call')).size).toBe(3);
      expect(new Set(idsOf('tool_result'))).toEqual(new Set(idsOf('tool_call')));
      const sent = JSON.stringify(server.requests[2]?.body);
      // Each id is in the call and in its result.
      for (const id of idsOf('tool_call')) expect(sent.split(JSON.stringify(id))).toHaveLength(3);
    });

    test('that do not exist are in the log, and the model is told', async () => {
      const script = [{ calls: [{ name: 'serch', input: {} }] }, { text: 'Sorry.' }];
      const result = await run(options, ...script);
      expect(result.outputs).toEqual({ a: 'Sorry.' });
      const parts = outputPartsOf(result.timeline);
      expect(parts).toContainEqual(expect.objectContaining({ kind: 'tool_call', tool: 'serch' }));
      const failed = { kind: 'tool_result', tool: 'serch', ok: false };
      expect(parts).toContainEqual(expect.objectContaining(failed));
      expect(JSON.stringify(server.requests[1]?.body)).toContain('search');
    });

    test.each([2, 3])('stop at maxSteps: %i', async (maxSteps) => {
      const result = await run({ ...options, maxSteps }, twoCalls);
      expect(result.status).toBe('failed');
      expect(result.tasks[0]?.error).toMatchObject({
        code: 'step_limit',
        usage: { inputTokens: 12 * maxSteps },
      });
      expect(server.requests).toHaveLength(maxSteps);
    });
  });
}

/** Text that arrives together may be one part. */
function withJoinedTexts(parts: readonly object[]): object[] {
  const joined: { kind?: string; text?: string }[] = [];
  for (const part of parts as typeof joined) {
    const last = joined.at(-1);
    if (last?.kind === 'text' && part.kind === 'text') last.text = `${last.text}${part.text}`;
    else joined.push({ ...part });
  }
  return joined;
}
