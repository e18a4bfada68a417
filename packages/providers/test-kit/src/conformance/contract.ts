import { runnerConformance } from '@stratagem/core/testing';
import { describe, test } from 'vitest';
import { json, type Reply, silence, testServer } from '../server.js';
import type { ApiSubject, ModelReply, ProviderSubject } from './subject.js';

/** The contract of every runner, for each variant. */
export function contractConformance(subject: ProviderSubject): void {
  const { apiKey, apis, formats } = subject;
  const server = testServer(subject.basePath);
  describe.each(Object.entries(formats))('with %s, the runner', (format, options) => {
    const { ending } = apis.find(({ name }) => name === format) ?? (apis[0] as ApiSubject);
    const runnerFor = (reply: Reply) => () => {
      server.replyWith(reply);
      return subject.create(server.url, options);
    };
    const cases = runnerConformance(runnerFor(answerOfModel(subject)), {
      failing: runnerFor(json(500, subject.errorBody({ message: 'No.' }))),
      hanging: runnerFor(silence),
      unfinished: runnerFor(ending('halted', { text: 'Beca' })),
      repeatingCallIds: runnerFor(callingTwice(subject)),
      withExtraFields: runnerFor(extended(answerOfModel(subject))),
      secret: apiKey,
    });
    for (const { name, run } of cases) test(name, run);
  });
}

/** Calls the first tool in two answers, with the same id. */
function callingTwice({ saying }: ProviderSubject): Reply {
  let asked = 0;
  return (response, received) => {
    const calls = [{ name: 'weather', input: { city: ['Lisbon', 'Porto'][asked] } }];
    saying(asked++ < 2 ? { calls } : { text: 'Sunny.' })(response, received);
  };
}

/** A stream with an unknown field in each event. */
function extended(reply: Reply): Reply {
  return (response, received) => {
    const write = response.write.bind(response) as (text: string) => boolean;
    response.write = (text: unknown) =>
      write(String(text).replaceAll('data: {', 'data: {"x_extra":{"parts":[1]},'));
    reply(response, received);
  };
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
