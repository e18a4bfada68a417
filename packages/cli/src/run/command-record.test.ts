import { resolve } from 'node:path';
import { type EventData, memoryJournal } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import { commandJournal } from './command-journal.js';
import { createCommandRecord, readCommandRecord } from './command-record.js';

const started: EventData = {
  type: 'run_started',
  sequence: 0,
  timestamp: 1,
  plan: { goal: 'g', tasks: [] },
  taskCount: 0,
};
const event = (type: EventData['type'], sequence: number, more = {}): EventData => ({
  type,
  sequence,
  timestamp: sequence,
  ...more,
});

async function recordedEvents(run: (journal: ReturnType<typeof commandJournal>) => Promise<void>) {
  const inner = memoryJournal();
  await run(commandJournal(inner, createCommandRecord('plan.yaml', {}, { model: 'm' })));
  const events: EventData[] = [];
  for await (const each of inner.read('a')) events.push(each);
  return events;
}

describe('the record of a command', () => {
  test('has the models of the file without the values of headers, and the path of a module', () => {
    const models = { deep: { runner: 'anthropic', headers: { authorization: 'secret' } } } as const;
    const record = createCommandRecord('-', { models }, { runner: './mine.js' });
    expect(record).toEqual({
      models: { deep: { runner: 'anthropic', headers: { authorization: '[redacted]' } } },
      flags: { runner: resolve('mine.js') },
    });
  });

  test('has the flags that a resumed run keeps, with absolute paths', () => {
    const flags = {
      runner: 'openai',
      model: 'm',
      maxParallel: 3,
      cache: 'answers',
      mcpConfig: 'tools.json',
      approve: ['ok'],
      // These apply to one run only, or are recorded with its limits.
      json: true,
      failFast: true,
      journal: 'runs',
    } as const;
    expect(createCommandRecord('plan.yaml', { strategy: { name: 'sequential' } }, flags)).toEqual({
      file: resolve('plan.yaml'),
      strategy: { name: 'sequential' },
      flags: {
        runner: 'openai',
        model: 'm',
        maxParallel: 3,
        cache: resolve('answers'),
        mcpConfig: resolve('tools.json'),
        approve: ['ok'],
      },
    });
  });

  test('has no file when the plan came from standard input', () => {
    expect(createCommandRecord('-', {}, {})).toEqual({ flags: {} });
  });

  test.each(['http://u@host/v1', 'http://u:p@host/v1', 'https://host/v1?api-key=p'])(
    'omits a base URL that contains a secret: %s',
    (baseUrl) => {
      expect(createCommandRecord('-', {}, { baseUrl }).flags).toEqual({
        secretBaseUrl: true,
      });
    },
  );

  test('keeps any other base URL', () => {
    const flags = { baseUrl: 'http://127.0.0.1:11434/v1' };
    expect(createCommandRecord('-', {}, flags).flags).toEqual(flags);
  });

  test('is part of the first event of a run', async () => {
    const [first, second] = await recordedEvents(async (journal) => {
      const run = await journal.create({ id: 'a', goal: 'g', createdAt: 0 });
      await run.append([started]);
      await run.append([event('task_started', 1, { taskId: 'x' })]);
      await run.close();
    });
    expect(readCommandRecord(first)).toEqual({ file: resolve('plan.yaml'), flags: { model: 'm' } });
    expect(second).toEqual(event('task_started', 1, { taskId: 'x' }));
  });

  test('is empty for a run that was started from code', () => {
    expect(readCommandRecord(started)).toEqual({ flags: {} });
    expect(readCommandRecord(undefined)).toEqual({ flags: {} });
  });
});
