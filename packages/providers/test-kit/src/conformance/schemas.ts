import { createExecutor, type TaskRunner, tool } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { inOrder } from '../attempt.js';
import { json, type Reply, testServer } from '../server.js';
import { outputPartsOf } from '../timeline.js';
import type { ModelReply, ProviderSubject } from './subject.js';

const TITLE = z.object({ title: z.string() });
const tasks = [{ id: 'a', description: 'Name it.', outputSchema: TITLE }];
const refusal = "Invalid schema for response_format 'answer'.";

/** Schemas that the server refuses, of answers and of tools. */
export function schemaConformance(subject: ProviderSubject): void {
  const { answerTool, errorBody, saying, structuredOptions } = subject;
  const server = testServer(subject.basePath);
  const run = (runner: TaskRunner) =>
    createExecutor({ strategy: inOrder, runner, retry: { maxAttempts: 1 } }).execute({
      goal: 'x',
      tasks,
    });

  /** Refuses as many requests, then answers in the form that the request asks for. */
  function refusing(times: number, message: string): Reply {
    let refused = 0;
    return (response, received) => {
      if (refused++ < times) {
        json(400, errorBody({ type: 'invalid_request_error', message }))(response, received);
        return;
      }
      const input = { title: 'Sea' };
      const asksForTool = answerTool !== undefined && received.body.tool_choice !== undefined;
      const reply: ModelReply = asksForTool
        ? { calls: [{ name: answerTool, input }] }
        : { text: JSON.stringify(input) };
      saying(reply)(response, received);
    };
  }

  describe.each(subject.apis)('a schema that the server refuses, through $name,', (api) => {
    const create = () => subject.create(server.url, { ...api.options, ...structuredOptions });

    test('is sent once more in a simpler form, where later tasks begin', async () => {
      const runner = create();
      server.replyWith(refusing(1, refusal));
      const result = await run(runner);
      expect(result.outputs).toEqual({ a: { title: 'Sea' } });
      expect(result.tasks[0]?.attempts).toBe(1);
      expect(server.requests).toHaveLength(2);
      const [first, second] = server.requests.map(({ body }) => JSON.stringify(body));
      expect(second).not.toBe(first);
      expect(outputPartsOf(result.timeline)).toContainEqual(
        expect.objectContaining({ kind: 'notice', code: 'invalid_request' }),
      );
      server.replyWith(refusing(0, refusal));
      expect((await run(runner)).outputs).toEqual({ a: { title: 'Sea' } });
      expect(JSON.stringify(server.requests[0]?.body)).toBe(second);
    });

    test('is in the prompt alone in the end, and then the refusal is the error', async () => {
      server.replyWith(refusing(9, refusal));
      const result = await run(create());
      expect(result.tasks[0]?.error).toMatchObject({ code: 'invalid_request' });
      expect(server.requests).toHaveLength(3);
      const last = server.requests.at(-1)?.body ?? {};
      expect(JSON.stringify(last)).toContain('fits this JSON Schema');
      for (const name of ['response_format', 'text', 'output_config', 'tools']) {
        expect(last).not.toHaveProperty(name);
      }
    });

    test('is not sent again after any other error', async () => {
      server.replyWith(refusing(1, 'The temperature is too high.'));
      const result = await run(create());
      expect(result.tasks[0]?.error).toMatchObject({ code: 'invalid_request' });
      expect(server.requests).toHaveLength(1);
    });
  });

  describe.each(subject.apis)('a tool whose input is a union, through $name,', ({ options }) => {
    test('is one object in the request, and is validated as a union', async () => {
      const done: unknown[] = [];
      const edit = tool({
        name: 'edit',
        description: 'Edits a note.',
        inputSchema: z.discriminatedUnion('kind', [
          z.object({ kind: z.literal('add'), text: z.string() }),
          z.object({ kind: z.literal('remove'), line: z.number() }),
        ]),
        execute: (input) => void done.push(input),
      });
      const wrong = { kind: 'remove', text: 'x' };
      const right = { kind: 'remove', line: 2 };
      server.replyWith(
        saying({ calls: [{ name: 'edit', input: wrong }] }),
        saying({ calls: [{ name: 'edit', input: right }] }),
        saying({ text: 'Done.' }),
      );
      const runner = subject.create(server.url, options);
      const result = await createExecutor({ strategy: inOrder, runner }).execute({
        goal: 'x',
        tasks: [{ id: 'a', description: 'Edit.', tools: [edit] }],
      });
      expect(result.outputs).toEqual({ a: 'Done.' });
      expect(done).toEqual([right]);
      const sent = JSON.stringify(server.requests[0]?.body.tools);
      expect(sent).toContain('"enum":["add","remove"]');
      expect(sent).not.toMatch(/"(anyOf|oneOf)"/);
    });
  });
}
