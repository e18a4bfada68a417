import { createExecutor, type Task, tool } from '@stratagem/core';
import { inOrder, type Reply, type testServer } from '@stratagem/test-kit';
import { expect } from 'vitest';
import * as z from 'zod';
import { openai } from '../src/openai.js';
import { isToolResult } from './model.js';
import { stream } from './streams.js';

/** The result of a tool, as the next request has it. */
export interface ToolMessage {
  readonly role: string;
  readonly content: string;
  readonly tool_call_id: string;
}

const weather = tool({
  name: 'weather',
  description: 'The weather in a city.',
  inputSchema: z.object({ city: z.string() }),
  execute: ({ city }) => `sunny in ${city}`,
});

/** Asks the model on this server for the weather, with one try. */
export function askForWeather(
  server: ReturnType<typeof testServer>,
  tools: Task['tools'] = [weather],
) {
  const runner = openai({ model: 'local', apiKey: 'none', baseURL: server.url });
  const executor = createExecutor({ strategy: inOrder, runner, retry: { maxAttempts: 1 } });
  const tasks = [{ id: 'a', description: 'What is the weather in Rome?', tools }];
  return executor.execute({ goal: 'Pack', tasks });
}

/** A chunk of Chat Completions. */
export const chunk = (delta: object, finish_reason: string | null = null, more = {}) => ({
  choices: [{ index: 0, delta, finish_reason, ...more }],
});

/** A delta with one call. */
export const call = (fields: object) => ({ tool_calls: [fields] });

/** The answer after the calls. */
export const ANSWER = stream([chunk({ content: 'Sun hats.' }), chunk({}, 'stop')]);

/** Runs the task on these calls, then on an answer in text; returns the second request. */
export async function runOnCalls(
  server: ReturnType<typeof testServer>,
  chunks: readonly object[],
  execute?: (city: string) => void,
) {
  const reply: Reply = (response, received) => {
    const calls = stream([...chunks, chunk({}, 'tool_calls')]);
    (isToolResult(received) ? ANSWER : calls)(response, received);
  };
  server.replyWith(reply);
  const counted = tool({
    ...weather,
    execute: ({ city }) => {
      execute?.(city);
      return `sunny in ${city}`;
    },
  });
  const result = await askForWeather(server, [counted]);
  expect(result.error).toBeUndefined();
  return { result, messages: server.requests[1]?.body.messages as ToolMessage[] };
}
