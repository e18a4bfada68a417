import { inspect } from 'node:util';
import { createExecutor, createPlan, type TaskOptions, tool } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import { attempt, inOrder, request } from '../attempt.js';
import { json, testServer } from '../server.js';
import type { ProviderSubject } from './subject.js';

/** The options of tasks: each of them has an effect on the request, over those of the runner. */
export function taskOptionConformance(subject: ProviderSubject): void {
  const server = testServer(subject.basePath);

  describe.each(subject.apis)('$name', ({ options, taskOptions, refusedOptions, forcedTool }) => {
    const create = (more: object = {}) => subject.create(server.url, { ...options, ...more });
    const ask = async (own: object, given?: TaskOptions) => {
      server.replyWith(subject.saying({ text: 'Hi' }));
      await create(own).run(request('Hello', { ...(given && { options: given }) }), attempt());
      const [received] = server.requests;
      if (received === undefined) throw new Error('nothing was sent');
      return received;
    };

    test.each(taskOptions)('a task sets %j', async (given, body) => {
      expect((await ask({}, given)).body).toMatchObject(body);
    });

    test.each(taskOptions.filter(([given]) => given.model === undefined))(
      'a runner sets %j, and a task comes first',
      async (given, body) => {
        expect((await ask(given)).body).toMatchObject(body);
        expect((await ask({}, {})).body).not.toMatchObject(body);
      },
    );

    test('no supported option is without a test', () => {
      const tested = taskOptions.flatMap(([given]) => Object.keys(given));
      const refused = refusedOptions.flatMap(([given]) => Object.keys(given));
      const names = new Set([
        ...tested,
        ...refused,
        'headers',
        'toolChoice',
        'stream',
        'attachments',
      ]);
      for (const name of create().supportedOptions ?? []) {
        expect(names).toContain(name.split('.')[0]);
      }
    });

    test.each(refusedOptions)('a task cannot set %j', async (given, message) => {
      server.replyWith(subject.saying({ text: 'Hi' }));
      const answer = create().run(request('Hello', { options: given }), attempt());
      await expect(answer).rejects.toMatchObject({
        code: 'invalid_request',
        message: expect.stringContaining(message),
      });
      expect(server.requests).toEqual([]);
    });

    test('the settings show the options, and caches see them', () => {
      const plain = create().settings;
      for (const [given] of taskOptions) {
        if (given.model !== undefined) continue;
        expect(create(given).settings).toEqual({ ...plain, ...given });
      }
    });

    test('headers of the task come before those of the runner, and leak nowhere', async () => {
      const own = { 'X-Team': 'own-team-0123456789', 'x-own': 'own-secret-0123456789' };
      const given = { 'x-team': 'task-team-0123456789' };
      const { headers } = await ask({ headers: own }, { headers: given });
      expect(headers).toMatchObject({ ...given, 'x-own': own['x-own'] });

      const secrets = [own['x-own'], given['x-team']];
      server.replyWith(
        json(400, subject.errorBody({ message: `Bad ${secrets.join(' and ')}` }), {
          'x-echo': secrets.join(),
        }),
      );
      const runner = create({ headers: own });
      const plan = createPlan('Leak').addTask({ id: 'a', description: 'Why?', headers: given });
      const result = await createExecutor({ strategy: inOrder, runner }).execute(plan);
      expect(result.status).toBe('failed');
      expect(server.requests[0]?.headers).toMatchObject(given);
      const seen =
        JSON.stringify([result, runner.settings]) +
        inspect([result, runner], { depth: 20, showHidden: true });
      expect(seen).toContain('[redacted]');
      for (const secret of [...secrets, own['X-Team']]) expect(seen).not.toContain(secret);
    });

    test('a forced call of a tool is the first request alone', async () => {
      const weather = tool({
        name: 'weather',
        description: 'The weather of a city.',
        inputSchema: { type: 'object', properties: { city: { type: 'string' } } },
        execute: () => 'Sunny',
      });
      const call = { calls: [{ name: 'weather', input: { city: 'Lisbon' } }] };
      server.replyWith(subject.saying(call), subject.saying({ text: 'Sunny.' }));
      const plan = createPlan('Weather').addTask({
        ...{ id: 'a', description: 'Is it sunny?', tools: [weather] },
        toolChoice: { type: 'tool', toolName: 'weather' },
      });
      const executor = createExecutor({ strategy: inOrder, runner: create() });
      await executor.execute(plan).orThrow();
      const choices = server.requests.map(({ body }) => body.tool_choice);
      expect(choices).toHaveLength(2);
      expect(choices[0]).toEqual(forcedTool('weather'));
      expect(choices[1]).not.toEqual(choices[0]);
    });

    test('provider options are merged field by field, the task over the runner', async () => {
      const of = (fields: object) => ({ providerOptions: { [subject.providerKey]: fields } });
      const own = of({ x_extra: { a: 1, b: 1 }, x_list: [1, 2] });
      const task = of({ x_extra: { b: 2 }, x_list: [3] });
      const { body } = await ask(own, task as TaskOptions);
      expect(body).toMatchObject({ x_extra: { a: 1, b: 2 }, x_list: [3] });
    });
  });
}
