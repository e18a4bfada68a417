import { describe, expect, test } from 'vitest';
import { RunnerError } from '../contract/errors.js';
import type { OutputPart } from '../contract/output-part.js';
import type { RunContext } from '../contract/run-context.js';
import type { TaskRequest } from '../contract/runner.js';
import type { RequestTool, ToolResult } from '../contract/tool.js';
import { type ConversationOptions, converse, type Turn, type TurnInput } from './conversation.js';

const usage = { inputTokens: 10, outputTokens: 2, cachedInputTokens: 4 };

/** A dialogue with a model that gives these answers in order. */
function scripted(...turns: (Partial<Turn> | Error)[]) {
  const heard: TurnInput[] = [];
  return {
    heard,
    async send(input: TurnInput): Promise<Turn> {
      const turn = turns[heard.length];
      heard.push(input);
      if (turn === undefined) throw new Error('the script has no more turns');
      if (turn instanceof Error) throw turn;
      return { text: '', usage, requestId: `req-${heard.length}`, ...turn };
    },
  };
}

function toolOf(name: string, call: RequestTool['call']): RequestTool {
  return { name, description: name, inputSchema: { type: 'object' }, call };
}

const says = (text: string): ToolResult => ({ ok: true, output: text, text });
const calls = (...tools: string[]) => ({
  toolCalls: tools.map((tool, position) => ({ callId: `c${position}`, tool, input: '{}' })),
});

function talk(
  dialogue: ReturnType<typeof scripted>,
  given: Partial<TaskRequest> = {},
  options: Partial<ConversationOptions> = {},
) {
  const parts: OutputPart[] = [];
  const context: RunContext = {
    runId: 'run',
    taskId: 'a',
    priority: 0,
    criticalPath: 1,
    attempt: 1,
    idempotencyKey: 'run/task/1',
    attemptsLeft: 1,
    signal: new AbortController().signal,
    remainingMs: undefined,
    emit: (part) => void parts.push(part as OutputPart) as undefined,
    failures: [],
    addTasks: () => {},
  };
  const texts = { prompt: 'Whole', plainPrompt: 'Plain', description: 'Plain' };
  const request: TaskRequest = {
    taskId: 'a',
    type: 'action',
    ...texts,
    inputs: {},
    metadata: {},
    ...given,
  };
  const defaults = { schemaIn: 'prompt', maxSteps: 5 } as const;
  return Object.assign(converse(request, context, dialogue, { ...defaults, ...options }), {
    parts,
  });
}

test('one request with its answer is not reported as a step', async () => {
  const dialogue = scripted({ text: 'Because.', model: 'm' });
  const conversation = talk(dialogue);
  expect(await conversation).toEqual({ output: 'Because.', usage, model: 'm', requestId: 'req-1' });
  expect(dialogue.heard).toEqual([{ kind: 'prompt', text: 'Whole' }]);
  expect(conversation.parts).toEqual([]);
});

describe('tools', () => {
  test('of one turn run in parallel, and their results are sent in order', async () => {
    const order: string[] = [];
    const slow = toolOf('slow', async () => {
      order.push('slow begins');
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push('slow ends');
      return says('S');
    });
    const fast = toolOf('fast', async () => {
      order.push('fast');
      return says('F');
    });
    const dialogue = scripted(calls('slow', 'fast'), { text: 'Done.' });
    const conversation = talk(dialogue, { tools: [slow, fast] });
    expect(await conversation).toMatchObject({
      output: 'Done.',
      requestId: 'req-2',
      usage: { inputTokens: 20, outputTokens: 4, cachedInputTokens: 8 },
    });
    expect(order).toEqual(['slow begins', 'fast', 'slow ends']);
    expect(dialogue.heard[1]).toMatchObject({
      kind: 'tool_results',
      results: [
        { callId: 'c0', tool: 'slow', result: { text: 'S' } },
        { callId: 'c1', tool: 'fast', result: { text: 'F' } },
      ],
    });
    expect(conversation.parts).toEqual([
      { kind: 'step', step: 1, usage, requestId: 'req-1' },
      { kind: 'step', step: 2, usage, requestId: 'req-2' },
    ]);
  });

  test('run at most so many at the same time, the others in their order', async () => {
    const running: string[] = [];
    const ends: (() => void)[] = [];
    const names = Array.from({ length: 12 }, (_, position) => `t${position}`);
    const tools = names.map((name) =>
      toolOf(name, () => {
        running.push(name);
        return new Promise((resolve) => ends.push(() => resolve(says(name))));
      }),
    );
    const dialogue = scripted(calls(...names), { text: 'Done.' });
    const conversation = talk(dialogue, { tools }, { toolCallConcurrency: 3 });
    for (let ended = 0; ended < 12; ended++) {
      await new Promise(setImmediate);
      expect(running).toHaveLength(Math.min(12, ended + 3));
      ends[ended]?.();
    }
    await conversation;
    expect(running).toEqual(names);
    expect(dialogue.heard[1]).toMatchObject({
      results: names.map((tool) => ({ tool, result: { text: tool } })),
    });
  });

  test('that do not exist are reported to the model, and are in the log', async () => {
    const dialogue = scripted(calls('serch'), { text: 'Sorry.' });
    const conversation = talk(dialogue, { tools: [toolOf('search', async () => says(''))] });
    await conversation;
    const call = { callId: 'c0', tool: 'serch' };
    const message = 'there is no tool "serch". Did you mean "search"?';
    expect(conversation.parts).toMatchObject([
      { kind: 'step' },
      { kind: 'tool_call', ...call, input: '{}' },
      { kind: 'tool_result', ...call, ok: false, message, durationMs: 0 },
      { kind: 'step' },
    ]);
    expect(dialogue.heard[1]).toMatchObject({
      results: [
        { result: { ok: false, text: 'Error: there is no tool "serch". Did you mean "search"?' } },
      ],
    });
  });

  test('can be called up to maxSteps', async () => {
    const tools = [toolOf('again', async () => says('more'))];
    const dialogue = scripted(calls('again'), calls('again'), calls('again'));
    await expect(talk(dialogue, { tools }, { maxSteps: 3 })).rejects.toMatchObject({
      code: 'step_limit',
      message: 'the model still called tools after 3 requests; raise maxSteps',
      usage: { inputTokens: 30, outputTokens: 6 },
      requestId: 'req-3',
    });
    const enough = scripted(calls('again'), calls('again'), { text: 'Now.' });
    expect(await talk(enough, { tools }, { maxSteps: 3 })).toMatchObject({ output: 'Now.' });
  });

  test('that are aborted with the attempt end the conversation', async () => {
    const aborted = new RunnerError('aborted', 'stopped');
    const tools = [toolOf('hang', () => Promise.reject(aborted))];
    await expect(talk(scripted(calls('hang')), { tools })).rejects.toBe(aborted);
  });
});

describe('an answer with a schema', () => {
  const outputSchema = { type: 'object' };
  const check = async (answer: unknown) =>
    (typeof answer === 'object' ? answer : JSON.parse(String(answer))).n > 3
      ? undefined
      : 'n: must be more than 3';

  test('is described by the request, or by the prompt', async () => {
    const [backend, words] = [scripted({ text: '{"n":4}' }), scripted({ text: '{"n":4}' })];
    const given = { outputSchema, check };
    expect((await talk(backend, given, { schemaIn: 'request' })).output).toEqual({ n: 4 });
    expect((await talk(words, given)).output).toBe('{"n":4}');
    expect([backend, words].map(({ heard }) => heard[0])).toEqual([
      { kind: 'prompt', text: 'Plain' },
      { kind: 'prompt', text: 'Whole' },
    ]);
  });

  test('is unwrapped from the object that the backend returns', async () => {
    const unwrap = (value: unknown) => (value as { answer: unknown }).answer;
    const dialogue = scripted({ text: '{"answer":[1,2]}' });
    const options = { schemaIn: 'request', unwrap } as const;
    expect((await talk(dialogue, { outputSchema }, options)).output).toEqual([1, 2]);
  });

  test.each(['request', 'prompt'] as const)(
    'that does not fit is sent back once, with the reason (%s)',
    async (schemaIn) => {
      const dialogue = scripted({ text: '{"n":1}' }, { text: '{"n":7}' });
      const conversation = talk(dialogue, { outputSchema, check }, { schemaIn });
      const { output, usage: used } = await conversation;
      expect(typeof output === 'string' ? JSON.parse(output) : output).toEqual({ n: 7 });
      expect(used).toMatchObject({ inputTokens: 20 });
      expect(dialogue.heard[1]).toEqual({
        kind: 'correction',
        text:
          'That answer cannot be used: n: must be more than 3\n' +
          'Answer again in full, with JSON alone, nothing before or after it, that fits the schema.',
      });
      expect(conversation.parts.map(({ kind }) => kind)).toEqual(['step', 'step']);
    },
  );

  test('that still does not fit is returned as it is: the executor validates it', async () => {
    const dialogue = scripted({ text: '{"n":1}' }, { text: '{"n":2}' }, { text: '{"n":9}' });
    const given = { outputSchema, check };
    expect((await talk(dialogue, given, { schemaIn: 'request' })).output).toEqual({ n: 2 });
    expect(dialogue.heard).toHaveLength(2);
  });

  test('is not sent back after maxSteps', async () => {
    const dialogue = scripted({ text: '{"n":1}' }, { text: '{"n":9}' });
    const options = { schemaIn: 'request', maxSteps: 1 } as const;
    expect((await talk(dialogue, { outputSchema, check }, options)).output).toEqual({ n: 1 });
  });

  test('is unwrapped inside prose, too', async () => {
    const unwrap = (value: unknown) => (value as { answer?: unknown }).answer ?? value;
    const dialogue = scripted({ text: 'As [1] says: {"answer":[1,2]} (see [2]).' });
    const options = { schemaIn: 'request', unwrap } as const;
    expect((await talk(dialogue, { outputSchema }, options)).output).toEqual([1, 2]);
  });

  test('that is not JSON stays a text', async () => {
    const dialogue = scripted({ text: 'Sorry, no.' });
    const options = { schemaIn: 'request' } as const;
    expect((await talk(dialogue, { outputSchema }, options)).output).toBe('Sorry, no.');
  });
});

test('the error of a turn includes the usage of the turns before', async () => {
  const limited = new RunnerError('rate_limited', 'later', { retryAfterMs: 5 });
  const tools = [toolOf('look', async () => says(''))];
  await expect(talk(scripted(calls('look'), limited), { tools })).rejects.toMatchObject({
    code: 'rate_limited',
    retryAfterMs: 5,
    usage,
  });
  const first = new RunnerError('rate_limited', 'later');
  await expect(talk(scripted(first))).rejects.not.toHaveProperty('usage');
});
