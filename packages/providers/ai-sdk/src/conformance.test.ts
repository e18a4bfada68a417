import { runnerConformance } from '@stratagem/core/testing';
import { type Reply, silence, testServer } from '@stratagem/test-kit';
import { describe, test } from 'vitest';
import { apiKey, compatible, failing, isToolResult, saying } from '../test/model.js';
import { aiSdk } from './ai-sdk.js';

const server = testServer('/v1');

/** Answers whatever it is asked: calls the first tool, and fills in forms. */
const answering: Reply = (response, received) => {
  const { tools } = received.body;
  const asked = JSON.stringify(received.body);
  const said =
    tools !== undefined && !isToolResult(received)
      ? { calls: [{ name: 'weather', input: { city: 'Lisbon' } }] }
      : { text: asked.includes('title') ? '{"title":"Sea"}' : 'Hello to you.' };
  saying(said)(response, received);
};

describe.each([true, false])(
  'with structured outputs %s, the runner',
  (supportsStructuredOutputs) => {
    const runnerFor = (reply: Reply) => () => {
      server.replyWith(reply);
      return aiSdk(compatible(server.url, { supportsStructuredOutputs }));
    };
    const cases = runnerConformance(runnerFor(answering), {
      failing: runnerFor(failing(500)),
      hanging: runnerFor(silence),
      secret: apiKey,
    });
    for (const { name, run } of cases) test(name, run);
  },
);
