import { createExecutor, createPlan, type TaskOptions, tool } from '@stratagem/core';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { attempt, inOrder, request } from '../attempt.js';
import { type Received, testServer } from '../server.js';
import { ATTACHMENTS } from './attachments.js';
import type { ModelReply, ProviderSubject } from './subject.js';

const weather = tool({
  name: 'weather',
  description: 'The weather of a city.',
  inputSchema: z.object({ city: z.string(), days: z.number().optional() }),
  execute: ({ city }) => {
    if (city === 'Nowhere') throw new Error('there is no such city');
    return { city, sky: 'clear' };
  },
});
const nested = z.object({
  title: z.string().describe('Short.'),
  kind: z.enum(['a', 'b']),
  parts: z.array(z.object({ name: z.string(), size: z.number().nullable() })),
});
const VALUE = { title: 'Sea', kind: 'a', parts: [{ name: 'x', size: null }] };

/** Requests of all kinds of tasks are as the document of the API says. */
export function requestConformance(subject: ProviderSubject): void {
  const server = testServer(subject.basePath);
  const apis = subject.apis.flatMap(({ requestSchema, ...api }) =>
    requestSchema === undefined ? [] : [{ ...api, requestSchema }],
  );
  if (apis.length === 0) return;

  describe.each(apis)('requests through $name', ({ options, requestSchema, taskOptions }) => {
    const isValid = new Ajv2020({ allErrors: true, strict: false }).compile(requestSchema);
    const create = (more: object = {}) => subject.create(server.url, { ...options, ...more });
    const requireValid = (least: number) => {
      expect(server.requests.length).toBeGreaterThanOrEqual(least);
      for (const { body } of server.requests) {
        expect(isValid(body), JSON.stringify([isValid.errors, body], undefined, 1)).toBe(true);
      }
    };
    /** Runs a task that the model answers with these replies in turn. */
    const run = async (replies: readonly ModelReply[], task: object, own: object = {}) => {
      server.replyWith(...replies.map((reply) => subject.saying(reply)));
      const runner = create(own);
      const executor = createExecutor({ strategy: inOrder, runner, retry: { maxAttempts: 1 } });
      await executor.execute(createPlan('x').addTask({ id: 'a', description: 'Go.', ...task }));
      requireValid(replies.length);
    };

    test.each([
      ['that is streamed', { stream: true }],
      ['that arrives whole', { stream: false }],
    ])('for a text %s', async (_, own) => {
      await run([{ text: 'Yes.' }], { instructions: 'Be brief.' }, own);
    });

    test.each<[TaskOptions]>(taskOptions.map(([given]) => [given]))('with %j', async (given) => {
      await run([{ text: 'Yes.' }], given);
    });

    test('with tools, their results and their errors', async () => {
      const calls = ['Lisbon', 'Nowhere'].map((city) => ({ name: 'weather', input: { city } }));
      const unknown = [{ name: 'wether', input: {} }];
      await run([{ text: 'I look.', calls }, { calls: unknown }, { text: 'Clear.' }], {
        tools: [weather],
      });
    });

    test.each([['auto'], ['none'], ['required'], [{ type: 'tool', toolName: 'weather' }]] as const)(
      'with the tool choice %j',
      async (toolChoice) => {
        await run([{ text: 'Clear.' }], { tools: [weather], toolChoice });
      },
    );

    const formats = Object.entries({ ...subject.formats, enforced: subject.structuredOptions });
    // Some formats are those of another API.
    const apiOf = (own: object) => (own as { readonly api?: unknown }).api;
    const own = formats.filter(([, each]) =>
      [undefined, apiOf(options)].includes(apiOf(each) as never),
    );
    test.each(own)('for a schema, and its correction: %s', async (_, own) => {
      const answer = (value: unknown): ModelReply =>
        subject.answerTool !== undefined && own === subject.formats[subject.answerTool]
          ? { calls: [{ name: subject.answerTool, input: value as object }] }
          : { text: JSON.stringify(value) };
      await run([answer({ title: 1 }), answer(VALUE)], { outputSchema: nested }, own);
      await run([{ text: '[1]' }], { outputSchema: z.array(z.number()) }, own);
      await run([{ text: '{"title":"Sea"}' }], { outputSchema: nested, tools: [weather] }, own);
    });

    test('with attachments', async () => {
      server.replyWith(subject.saying({ text: 'Nice.' }));
      await create().run(request('Look.', { attachments: ATTACHMENTS }), attempt());
      requireValid(1);
    });

    test('are told from others: a field, a role and a value that the document lacks', async () => {
      await run([{ text: 'Yes.' }], { tools: [weather] });
      const [{ body }] = server.requests as [Received];
      for (const wrong of [
        { ...body, temprature: 1 },
        { ...body, tools: [{ ...(body.tools as object[])[0], kind: 'x' }] },
        { ...body, tool_choice: 'any' },
        { ...body, stream: 'yes' },
        { ...body, model: undefined },
        JSON.parse(
          JSON.stringify(body)
            .replaceAll('"role":"user"', '"role":"usr"')
            .replaceAll('"type":"function"', '"type":"fun"'),
        ),
      ]) {
        expect(isValid(JSON.parse(JSON.stringify(wrong))), JSON.stringify(wrong)).toBe(false);
      }
    });
  });
}
