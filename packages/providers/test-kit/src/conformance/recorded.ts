import { createExecutor, type PlanResult, type TaskRunner, tool } from '@stratagem/core';
import { expect } from 'vitest';
import * as z from 'zod';
import { inOrder } from '../attempt.js';
import type { testServer } from '../server.js';
import { wireOf } from '../wire.js';

/** The tool call in the recorded streams of every service. */
export const RECORDED = {
  tool: tool({
    name: 'tide_level',
    description: 'The level of the water at a port, in metres.',
    inputSchema: z.object({ port: z.string() }),
    execute: ({ port }) => ({ port, level: 11.4 }),
  }),
  inputSchema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: { port: { type: 'string' } },
    required: ['port'],
  },
  question: 'How high is the water at St. Malo?',
  answer: 'The water at St. Malo stands at 11.4 m — a spring tide.',
  input: { port: 'St. Malo' },
  output: '{"port":"St. Malo","level":11.4}',
} as const;

/** Runs a task with a tool on two recorded streams: the tool call, and the answer. */
export async function runRecorded(
  server: ReturnType<typeof testServer>,
  streams: readonly { readonly file: URL; readonly headers: Record<string, string> }[],
  createRunner: (baseURL: string) => TaskRunner,
): Promise<PlanResult> {
  server.replyWith(
    ...(await Promise.all(streams.map(({ file, headers }) => wireOf(file, headers)))),
  );
  const { question, tool: tideLevel } = RECORDED;
  const tasks = [{ id: 'a', description: question, tools: [tideLevel] }];
  const executor = createExecutor({ strategy: inOrder, runner: createRunner(server.url) });
  const result = await executor.execute({ goal: 'x', tasks });
  expect(result.error).toBeUndefined();
  return result;
}

/** Expects each step, and the task, to have these details, and returns the streamed text. */
export function expectRecorded(
  { outputs, timeline }: PlanResult,
  { steps, completed }: { readonly steps: readonly object[]; readonly completed: object },
): readonly string[] {
  expect(outputs).toEqual({ a: RECORDED.answer });
  expect(
    timeline.filter((event) => event.type === 'task_output' && event.kind === 'step'),
  ).toMatchObject(steps);
  expect(timeline.find(({ type }) => type === 'task_completed')).toMatchObject(completed);
  return timeline.flatMap((event) =>
    event.type === 'task_output' && event.kind === 'text' ? event.text : [],
  );
}
