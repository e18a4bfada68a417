import { runnerConformance } from '@stratagem/core/testing';
import { type Reply, silence, testServer } from '@stratagem/test-kit';
import { describe, test } from 'vitest';
import { failing, isToolResult, saying } from '../test/model.js';
import { anthropic } from './anthropic.js';

const apiKey = 'sk-ant-planted-0123456789';
const server = testServer();

/** Answers whatever it is asked: calls the first tool, and fills in forms. */
const answering: Reply = (response, received) => {
  const { tools, tool_choice: choice } = received.body as { tools?: object; tool_choice?: object };
  const form = { title: 'Sea' };
  const said =
    choice !== undefined
      ? { calls: [{ name: 'give_answer', input: form }] }
      : tools !== undefined && !isToolResult(received)
        ? { calls: [{ name: 'weather', input: { city: 'Lisbon' } }] }
        : {
            text: JSON.stringify(received.body).includes('title')
              ? JSON.stringify(form)
              : 'Hello to you.',
          };
  saying(said)(response, received);
};

describe.each(['json_schema', 'tool', 'prompt'] as const)('with %s, the runner', (form) => {
  const runnerFor = (reply: Reply) => () => {
    server.replyWith(reply);
    return anthropic({ model: 'a-model', apiKey, baseURL: server.url, structuredOutput: form });
  };
  const cases = runnerConformance(runnerFor(answering), {
    failing: runnerFor(failing(500)),
    hanging: runnerFor(silence),
    secret: apiKey,
  });
  for (const { name, run } of cases) test(name, run);
});
