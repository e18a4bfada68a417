import { createExecutor } from '@stratagem/core';
import { RunnerError } from '@stratagem/core/runner';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { attempt, inOrder, request } from '../attempt.js';
import { testServer } from '../server.js';
import type { ProviderSubject } from './subject.js';

/** Reasons that servers have given for the end of an answer, and the code of the error. */
const REASONS: readonly (readonly [reason: string | null, code: string])[] = [
  ['', 'connection'],
  [null, 'connection'],
  ['error', 'server_error'],
  ['abort', 'server_error'],
  ['cancelled', 'server_error'],
  ['queued', 'connection'],
  ['in_progress', 'connection'],
  ['insufficient_system_resource', 'overloaded'],
  ['pause_turn', 'truncated'],
  ['model_length', 'truncated'],
  ['MAX_TOKENS', 'truncated'],
  ['SAFETY', 'refused'],
  ['content_filter', 'refused'],
  ['refusal', 'refused'],
  ['halted', 'server_error'],
  ['constructor', 'server_error'],
];

const TITLE = z.object({ title: z.string() });

/** Why an answer ended, what counts as one, and the reasoning in it, for each API. */
export function endingConformance(subject: ProviderSubject): void {
  const server = testServer(subject.basePath);

  describe.each(subject.apis)('an answer through $name', ({ options, ending, continuedAfter }) => {
    const ask = (context = attempt()) =>
      subject.create(server.url, options).run(request('Why?'), context);

    const reasons = REASONS.filter(([reason]) => !continuedAfter?.includes(reason ?? ''));
    test.each(reasons)('that ends with %j is an error: %s', async (reason, code) => {
      server.replyWith(ending(reason, { text: 'Beca' }));
      const context = attempt();
      const thrown = await ask(context).catch((error: unknown) => error);
      expect(thrown).toBeInstanceOf(RunnerError);
      expect(thrown).toMatchObject({ code });
      // Responses report some of these in an error, which has no text.
      expect(['Beca', '']).toContain(context.emitted.join(''));
      expect(server.requests).toHaveLength(1);
    });

    test.each(['EOS', 'end_turn', 'Stop'])('that ends with %s is complete', async (reason) => {
      server.replyWith(ending(reason, { text: 'Because.' }));
      expect((await ask()).output).toBe('Because.');
    });

    test.each([['stop'], ['tool_calls']])('that ends with %s needs content', async (reason) => {
      server.replyWith(ending(reason, {}));
      await expect(ask()).rejects.toMatchObject({ code: 'server_error' });
    });

    test('that waits for tools needs a call, even with text', async () => {
      server.replyWith(ending('tool_calls', { text: 'I look.' }));
      await expect(ask()).rejects.toMatchObject({ code: 'server_error' });
    });

    test.each([
      ['<think>Hm.\nSo 42?</think>\n\nBecause.', 'Because.'],
      ['<think></think>Because.', 'Because.'],
      ['Hm. Let me see.</think>Because.', 'Because.'],
      ['So.<think>Hm.</think> Because.', 'So. Because.'],
      ['Write `<think>` first.', 'Write `<think>` first.'],
    ])('%j contains %j', async (text, output) => {
      server.replyWith(subject.saying({ text }));
      const context = attempt();
      expect((await ask(context)).output).toBe(output);
      expect(context.emitted.join('').endsWith(output)).toBe(true);
    });

    test('with reasoning alone is empty', async () => {
      server.replyWith(subject.saying({ text: '<think>Hm. Hm.' }));
      const context = attempt();
      await expect(ask(context)).rejects.toMatchObject({ code: 'server_error' });
      expect(context.emitted).toEqual([]);
    });

    test.each([
      ['Here you are:\n{"title":"Sea"}\nShall I go on?'],
      ['Sure! [1] says so.\n```json\n{"title":"Sea"}\n```\nThat is all.'],
      ['<think>{"title":7}</think>{"title":"Sea"}'],
      ['First {"title":7}, no: {"title":"Sea"}.'],
    ])('with a schema is found in %j', async (text) => {
      server.replyWith(subject.saying({ text }));
      const runner = subject.create(server.url, options);
      const tasks = [{ id: 'a', description: 'Name it.', outputSchema: TITLE }];
      const result = await createExecutor({ strategy: inOrder, runner }).execute({
        goal: 'x',
        tasks,
      });
      expect(result.outputs).toEqual({ a: { title: 'Sea' } });
      expect(server.requests).toHaveLength(1);
    });
  });
}
