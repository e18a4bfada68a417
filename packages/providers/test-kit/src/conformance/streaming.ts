import { createExecutor, createPlan, type RunEvent, type Strategy } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import { attempt, inOrder, request } from '../attempt.js';
import { json, testServer } from '../server.js';
import type { ProviderSubject } from './subject.js';

/** Answers are streamed where somebody reads them, and arrive whole where nobody does. */
export function streamingConformance(subject: ProviderSubject): void {
  const server = testServer(subject.basePath);

  const apis = subject.apis.flatMap(({ wholeAnswer, wholeCut, ...api }) =>
    wholeAnswer && wholeCut ? { ...api, wholeAnswer, wholeCut } : [],
  );

  describe.each(apis)('streaming, through $name', ({ options, wholeAnswer, wholeCut }) => {
    const create = (more: object = {}) => subject.create(server.url, { ...options, ...more });
    /** A server that streams exactly when it is asked to. */
    const serve = () =>
      server.replyWith((response, received) => {
        const isStreamed = received.body.stream === true;
        const reply = isStreamed
          ? subject.saying({ text: 'Yes.' })
          : json(200, wholeAnswer('Yes.'));
        reply(response, received);
      });
    const isStreamed = () => server.requests.map(({ body }) => body.stream === true);
    const plan = createPlan('Ask').addTask({ id: 'a', description: 'Is it?' });

    test.each<[name: string, run: object, isStreamed: boolean]>([
      ['nobody reads the text', {}, false],
      ['a listener reads it', { onEvent: () => {} }, true],
      ['an attempt may not be idle for long', { idleTimeoutMs: 5_000 }, true],
      ['the strategy observes the output', { strategy: observing }, true],
    ])('where %s', async (_, run, expected) => {
      serve();
      const executor = createExecutor({ strategy: inOrder, runner: create(), ...run });
      const { outputs, metrics } = await executor.execute(plan).orThrow();
      expect(outputs.a).toBe('Yes.');
      expect(metrics.usage).toMatchObject({ inputTokens: 12, outputTokens: 3 });
      expect(isStreamed()).toEqual([expected]);
    });

    test('where an iterator reads the text', async () => {
      serve();
      const run = createExecutor({ strategy: inOrder, runner: create() }).execute(plan);
      let text = '';
      for await (const event of run) {
        if (event.type === 'task_output' && event.kind === 'text') text += event.text;
      }
      expect(text).toBe('Yes.');
      expect(isStreamed()).toEqual([true]);
    });

    test('as the runner says, and as a task says before it', async () => {
      for (const [own, given, expected] of [
        [true, undefined, true],
        [false, undefined, false],
        [false, true, true],
        [true, false, false],
        [true, 'auto', false],
      ] as const) {
        serve();
        const context = attempt({ wantsText: false });
        const asked = request('x', { ...(given !== undefined && { options: { stream: given } }) });
        expect(await create({ stream: own }).run(asked, context)).toMatchObject({ output: 'Yes.' });
        expect(isStreamed()).toEqual([expected]);
      }
    });

    test('the text of a whole answer is emitted once, if somebody reads it', async () => {
      for (const [wantsText, emitted] of [
        [true, ['Yes.']],
        [false, []],
      ] as const) {
        serve();
        const context = attempt({ wantsText });
        await create({ stream: false }).run(request('x'), context);
        expect(context.emitted).toEqual(emitted);
      }
    });

    test('the text of a whole answer that is not complete is in the log', async () => {
      server.replyWith(json(200, wholeCut('Half of')));
      const events: RunEvent[] = [];
      const executor = createExecutor({ strategy: inOrder, runner: create({ stream: false }) });
      const result = await executor.execute(plan);
      events.push(...result.timeline);
      expect(result.tasks[0]?.error?.code).toBe('truncated');
      const texts = events.flatMap((event) =>
        event.type === 'task_output' && event.kind === 'text' ? event.text : [],
      );
      expect(texts).toEqual(['Half of']);
    });

    test.skipIf(subject.sdk === undefined)(
      'a server that streams although it is asked not to is read',
      async () => {
        server.replyWith(subject.saying({ text: 'Yes.' }));
        const answer = create({ stream: false }).run(request('x'), attempt({ wantsText: false }));
        await expect(answer).resolves.toMatchObject({ output: 'Yes.' });
      },
    );

    test('the error of a whole answer has its class', async () => {
      server.replyWith(json(429, subject.errorBody({ message: 'Slow down.' })));
      const answer = create({ stream: false }).run(request('x'), attempt());
      await expect(answer).rejects.toMatchObject({ code: 'rate_limited' });
    });
  });
}

/** Starts tasks in order, and observes their output. */
const observing: Strategy = {
  name: 'observing',
  begin: (run) => ({ ...inOrder.begin(run), output: () => {} }),
};
