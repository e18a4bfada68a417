import { LLMock } from '@copilotkit/aimock';
import { createExecutor, createPlan } from '@stratagem/core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { attempt, inOrder, request } from '../attempt.js';
import { expectBackpressure } from '../backpressure.js';
import { testServer } from '../server.js';
import type { ProviderSubject } from './subject.js';

/** In the words of all APIs. */
const usage = { input_tokens: 12, output_tokens: 9, prompt_tokens: 12, completion_tokens: 9 };

/** Tasks and plans at a mock of the service, for each API. */
export function planConformance(subject: ProviderSubject): void {
  const server = testServer(subject.basePath);
  const mock = new LLMock({ port: 0 });
  beforeAll(async () => {
    mock.onMessage(/^Research/, { content: 'The market grows by a fifth each year.', usage });
    mock.onMessage(/^Write/, { content: 'Report: it grows.', usage });
    await mock.start();
  });
  afterAll(() => mock.stop());
  afterEach(() => mock.clearRequests());

  describe.each(subject.apis)('with $name', ({ options, path, textEvent }) => {
    const runner = () => subject.create(`${mock.url}${subject.basePath}`, options);

    test('a task is answered with text, which is streamed', async () => {
      const context = attempt();
      const result = await runner().run(request('Research the market'), context);
      expect(result.output).toBe('The market grows by a fifth each year.');
      expect(context.emitted.join('')).toBe(result.output);
      expect(result.model).toBe('a-model');
      expect(result.usage).toEqual({ inputTokens: 12, outputTokens: 9, ...subject.usageDetails });
      expect(mock.getRequests()).toMatchObject([{ path, body: { stream: true } }]);
      if (subject.requestIdIsSent) {
        const [sent] = mock.getRequests();
        expect(sent?.headers).toMatchObject({ [subject.requestIdHeader]: result.requestId });
      }
    });

    test('a plan passes the outputs of dependencies to the model', async () => {
      const plan = createPlan('Market report')
        .addTask({ id: 'research', description: 'Research the market' })
        .addTask({ id: 'report', description: 'Write the report', dependencies: ['research'] });
      const onEvent = () => {};
      const executor = createExecutor({ strategy: inOrder, runner: runner(), onEvent });
      const result = await executor.execute(plan);
      expect(result.error).toBeUndefined();
      expect(result.outputs).toEqual({
        research: 'The market grows by a fifth each year.',
        report: 'Report: it grows.',
      });
      const [first, second, ...others] = mock.getRequests().map(({ body }) => body);
      expect(others).toEqual([]);
      expect(first).toMatchObject({
        model: 'a-model',
        messages: [{ role: 'user', content: 'Research the market' }],
      });
      const prompt = JSON.stringify(second);
      expect(prompt).toContain('Write the report');
      expect(prompt).toContain('The market grows by a fifth each year.');
      const texts = result.timeline.flatMap((event) =>
        event.type === 'task_output' && event.kind === 'text' && event.taskId === 'report'
          ? [event.text]
          : [],
      );
      expect(texts.join('')).toBe('Report: it grows.');
      expect(result.metrics.usage).toMatchObject({ inputTokens: 24, outputTokens: 18 });
    });

    test('an answer is not read faster than its text is consumed', async () => {
      const { write } = subject.wire;
      await expectBackpressure(
        subject.create(server.url, options),
        (reply) => server.replyWith(reply),
        {
          opening: subject.opening.map(write).join(''),
          piece: (text) => write(textEvent(text)),
        },
      );
    });
  });
}
