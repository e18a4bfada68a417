import { runnerConformance } from '@stratagem/core/testing';
import { describe, test } from 'vitest';
import { json, type Reply, silence, testServer } from '../server.js';
import type { ModelReply, ProviderSubject } from './subject.js';

/** The contract of every runner, for each variant. */
export function contractConformance(subject: ProviderSubject): void {
  const { apiKey, formats } = subject;
  const server = testServer(subject.basePath);
  describe.each(Object.entries(formats))('with %s, the runner', (_, options) => {
    const runnerFor = (reply: Reply) => () => {
      server.replyWith(reply);
      return subject.create(server.url, options);
    };
    const cases = runnerConformance(runnerFor(answerOfModel(subject)), {
      failing: runnerFor(json(500, subject.errorBody({ message: 'No.' }))),
      hanging: runnerFor(silence),
      secret: apiKey,
    });
    for (const { name, run } of cases) test(name, run);
  });
}

/** Answers every request: calls the first tool, and fits the schema where there is one. */
function answerOfModel({ answerTool, isToolResult, saying }: ProviderSubject): Reply {
  const form = { title: 'Sea' };
  return (response, received) => {
    const { tools, tool_choice: choice } = received.body;
    const replyTo = (): ModelReply => {
      if (answerTool !== undefined && choice !== undefined) {
        return { calls: [{ name: answerTool, input: form }] };
      }
      if (tools !== undefined && !isToolResult(received)) {
        return { calls: [{ name: 'weather', input: { city: 'Lisbon' } }] };
      }
      const wantsForm = JSON.stringify(received.body).includes('title');
      return { text: wantsForm ? JSON.stringify(form) : 'Hello to you.' };
    };
    saying(replyTo())(response, received);
  };
}
