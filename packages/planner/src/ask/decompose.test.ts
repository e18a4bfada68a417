import {
  createExecutor,
  OptionError,
  type RunEvent,
  RunnerError,
  type Task,
  type TaskRunner,
  tool,
} from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { simulated } from '@stratagem/simulated';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { scripted } from '../../test/models.js';
import { type DecomposeOptions, decompose } from './decompose.js';
import { DecompositionError } from './decomposition-error.js';

const GOAL = 'Research AI trends, then write a report';
const PLAN = [
  { id: 'research', description: 'Research AI trends.', type: 'observation' },
  { id: 'report', description: 'Write a report.', dependencies: ['research'] },
] as const satisfies Task[];
const ANSWER = JSON.stringify({ tasks: PLAN });
const CYCLE = JSON.stringify({
  tasks: [
    { id: 'a', description: 'One.', dependencies: ['b'] },
    { id: 'b', description: 'Two.', dependencies: ['a'] },
  ],
});
const CYCLE_PROBLEM =
  'tasks[0].dependencies: dependency cycle: a → b → a (each depends on the next)';

const weather = tool({
  name: 'weather',
  description: 'The weather in a city, now.',
  inputSchema: z.object({ city: z.string() }),
  execute: () => 'sunny',
});

/** The error with which `decompose` rejects. */
async function failure(
  runner: TaskRunner,
  options: Partial<DecomposeOptions> = {},
): Promise<DecompositionError> {
  const error = await decompose(GOAL, { runner, ...options }).then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(DecompositionError);
  return error;
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('a simple goal', () => {
  test('becomes one task, and no model is asked', async () => {
    const runner = scripted();
    const made = await decompose('Write a haiku about autumn', { runner });
    expect(made).toEqual({
      plan: {
        goal: 'Write a haiku about autumn',
        tasks: [{ id: 'answer', description: 'Write a haiku about autumn' }],
      },
      complexity: 'simple',
      createdAt: expect.any(Number),
      repairs: [],
      rejectedAnswers: [],
      usage: {
        inputTokens: 0,
        outputTokens: 0,
        cachedInputTokens: 0,
        cacheWriteInputTokens: 0,
        reasoningTokens: 0,
      },
      costUsd: 0,
    });
    expect(runner.requests).toEqual([]);
  });

  test('keeps its braces and may use the tools', async () => {
    const { plan } = await decompose('Explain {{name}} in Mustache', {
      runner: scripted(),
      tools: [weather],
      taskTypes: ['decision'],
    });
    expect(plan.tasks).toEqual([
      {
        id: 'answer',
        description: 'Explain \\{{name}} in Mustache',
        type: 'decision',
        tools: ['weather'],
      },
    ]);
    const runner = { ...scripted({ output: 'It is a placeholder.' }), supportsTools: true };
    await createExecutor({ strategy: parallel(), runner, tools: [weather] }).execute(plan);
    expect(runner.requests[0]?.prompt).toBe('Explain {{name}} in Mustache');
  });

  test('can be declared simple or complex by the caller', async () => {
    const runner = scripted(ANSWER, ANSWER);
    const made = await decompose(GOAL, { runner, complexity: 'simple' });
    expect(made.plan.tasks).toHaveLength(1);
    const estimated: string[] = [];
    const estimate = async (goal: string) => {
      estimated.push(goal);
      return 'complex' as const;
    };
    const other = await decompose('Hi', { runner, complexity: estimate });
    expect(other).toMatchObject({ complexity: 'complex', plan: { goal: 'Hi', tasks: PLAN } });
    expect(estimated).toEqual(['Hi']);
    expect((await decompose('Hi', { runner, complexity: 'complex' })).plan.tasks).toEqual(PLAN);
  });
});

describe('a complex goal', () => {
  test('becomes a valid plan, without an API key', async () => {
    const runner = simulated({ latencyMs: 10 });
    const making = decompose(GOAL, { runner });
    await vi.runAllTimersAsync();
    const { plan, repairs, rejectedAnswers, complexity } = await making;
    expect({ repairs, rejectedAnswers, complexity }).toEqual({
      repairs: [],
      rejectedAnswers: [],
      complexity: 'complex',
    });
    expect(plan.goal).toBe(GOAL);
    const run = createExecutor({ strategy: parallel(), runner }).execute(plan);
    await vi.runAllTimersAsync();
    const result = await run;
    expect(result.status).toBe('completed');
    expect(result.outputs.result).toContain('Put the result together');
  });

  test('has the cost of the requests and a log', async () => {
    const usage = { inputTokens: 500, outputTokens: 100 };
    const events: RunEvent[] = [];
    const runner = scripted({ output: ANSWER, usage, costUsd: 0.25, model: 'm', requestId: 'r1' });
    const made = await decompose(GOAL, { runner, onEvent: (event) => events.push(event) });
    expect(made.usage).toMatchObject(usage);
    expect(made.costUsd).toBe(0.25);
    expect(made.result?.status).toBe('completed');
    expect(made.result?.timeline).toEqual(events);
    expect(events.map(({ type }) => type)).toEqual([
      ...['run_started', 'strategy_initialized', 'task_started', 'task_completed'],
      'run_completed',
    ]);
    expect(events[3]).toMatchObject({ taskId: 'plan', output: { tasks: PLAN }, model: 'm' });
  });

  test('is requested with a schema for structured output', async () => {
    const runner = scripted({ tasks: PLAN });
    await decompose(GOAL, { runner, maxDepth: 1, tools: [weather], models: { fast: 'short' } });
    const [request] = runner.requests;
    expect(request?.outputSchema).toEqual({
      type: 'object',
      properties: {
        tasks: {
          type: 'array',
          items: {
            type: 'object',
            properties: {
              id: { type: 'string' },
              description: { type: 'string' },
              type: {
                type: 'string',
                enum: ['action', 'decision', 'observation', 'aggregate'],
              },
              dependencies: { type: 'array', items: { type: 'string' } },
              tools: { type: 'array', items: { type: 'string', enum: ['weather'] } },
              model: { type: 'string', enum: ['fast'] },
            },
            required: ['id', 'description', 'type', 'dependencies', 'tools', 'model'],
            additionalProperties: false,
          },
        },
      },
      required: ['tasks'],
      additionalProperties: false,
    });
    expect(request?.prompt).toContain(request?.plainPrompt);
    expect(request?.prompt).toContain('"additionalProperties":false');
    expect(request?.plainPrompt).not.toContain('additionalProperties');
  });

  test('has as many levels in its schema as maxDepth allows', async () => {
    const levels = (schema: unknown): number => {
      const { items } = schema as { items?: { properties: Record<string, unknown> } };
      if (items === undefined) return 0;
      return 1 + levels(items.properties.subtasks ?? {});
    };
    for (const maxDepth of [1, 2, 3, 8]) {
      const runner = scripted(ANSWER);
      await decompose(GOAL, { runner, maxDepth });
      const properties = runner.requests[0]?.outputSchema?.properties ?? {};
      expect(levels((properties as { tasks?: unknown }).tasks)).toBe(maxDepth);
    }
  });

  test('gets its plan from data or from text', async () => {
    for (const answer of [{ tasks: PLAN }, { answer: { plan: [...PLAN] } }]) {
      const { plan } = await decompose(GOAL, { runner: scripted({ output: answer }) });
      expect(plan.tasks).toEqual(PLAN);
    }
  });
});

describe('an unusable answer', () => {
  test('is sent back with all its problems', async () => {
    const runner = scripted(CYCLE, 'I cannot.', ANSWER);
    const made = await decompose(GOAL, { runner });
    expect(made.plan.tasks).toEqual(PLAN);
    expect(made.rejectedAnswers.map(({ answer }) => answer)).toEqual([CYCLE, 'I cannot.']);
    expect(made.rejectedAnswers[0]?.problems).toMatchObject([{ code: 'cycle' }]);
    const [first, second, third] = runner.requests.map(({ plainPrompt }) => plainPrompt);
    expect(second).toBe(
      `${first}\n\nYour answer was:\n<answer>\n${CYCLE}\n</answer>\n\n` +
        `It cannot be used:\n- ${CYCLE_PROBLEM}\n\n` +
        'Answer again with the whole plan, and fix all of these problems.',
    );
    expect(third).toContain('<answer>\nI cannot.\n</answer>');
    expect(third).not.toContain(CYCLE_PROBLEM);
    for (const { prompt, plainPrompt, outputSchema } of runner.requests) {
      expect(prompt.startsWith(`${plainPrompt}\n\nAnswer with JSON alone`)).toBe(true);
      expect(outputSchema).toEqual(runner.requests[0]?.outputSchema);
    }
  });

  test('appears in the log with its tokens, and counts in the cost', async () => {
    const usage = { inputTokens: 100, outputTokens: 10 };
    const answers = [CYCLE, ANSWER].map((output, index) => ({
      ...{ output, usage, costUsd: 0.5, model: 'm', requestId: `r${index}` },
    }));
    const {
      result,
      usage: total,
      costUsd,
    } = await decompose(GOAL, { runner: scripted(...answers) });
    const parts = result?.timeline.filter(({ type }) => type === 'task_output');
    expect(parts).toMatchObject([
      { kind: 'step', step: 1, usage, model: 'm', requestId: 'r0' },
      {
        ...{ kind: 'notice', source: 'planner', code: 'invalid_output' },
        message: `The answer was sent back to the model: ${CYCLE_PROBLEM}`,
      },
      { kind: 'step', step: 2, usage, model: 'm', requestId: 'r1' },
    ]);
    expect(total).toMatchObject({ inputTokens: 200, outputTokens: 20 });
    expect(costUsd).toBe(1);
  });

  test.each([0, 1, 2, 3])('is sent back at most %i times when that is the limit', async (limit) => {
    const runner = scripted(...Array(10).fill(CYCLE));
    const error = await failure(runner, { repairAttempts: limit });
    expect(runner.requests).toHaveLength(limit + 1);
    expect(error.code).toBe('invalid_output');
    expect(error.problems).toMatchObject([{ code: 'cycle' }]);
    expect(error.answer).toBe(CYCLE);
    expect(error.rejectedAnswers).toHaveLength(limit + 1);
    expect(error.message).toContain(CYCLE_PROBLEM);
    expect(error.result?.status).toBe('failed');
    expect(error.result?.metrics.attempts).toBe(1);
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ answer: CYCLE });
    expect(JSON.stringify(error)).not.toMatch(/timeline|rejectedAnswers/);
  });

  test('that was cut off at a token limit is requested again, but shorter', async () => {
    const usage = { inputTokens: 100, outputTokens: 10 };
    const cut = new RunnerError('truncated', 'the answer was cut off', { usage });
    const runner = scripted(cut, { output: ANSWER, usage });
    const made = await decompose(GOAL, { runner });
    expect(made.plan.tasks).toEqual(PLAN);
    expect(made.usage).toMatchObject({ inputTokens: 200, outputTokens: 20 });
    expect(made.rejectedAnswers).toMatchObject([
      { answer: undefined, problems: [{ code: 'cut_off' }] },
    ]);
    expect(runner.requests[1]?.plainPrompt).toContain('answer with a shorter plan');
    expect((await failure(scripted(cut, cut, cut))).answer).toBeUndefined();
  });

  test('is shown in part when it is very long', async () => {
    const long = `{"tasks": [${' '.repeat(50_000)}`;
    const runner = scripted(long, ANSWER);
    await decompose(GOAL, { runner });
    const { length = 0 } = runner.requests[1]?.plainPrompt ?? '';
    expect(length - (runner.requests[0]?.plainPrompt.length ?? 0)).toBeLessThan(15_000);
  });

  test('with an unknown cost makes the total cost unknown', async () => {
    const usage = { inputTokens: 100, outputTokens: 10 };
    const known = { usage, costUsd: 1 };
    for (const answers of [
      [
        { output: CYCLE, usage },
        { output: ANSWER, ...known },
      ],
      [
        { output: CYCLE, ...known },
        { output: ANSWER, usage },
      ],
    ]) {
      expect((await decompose(GOAL, { runner: scripted(...answers) })).costUsd).toBeNull();
    }
  });
});

describe('a model as a runner', () => {
  test('may be an instance of a class with fields in its prototype', async () => {
    class Model implements TaskRunner {
      get name() {
        return 'class';
      }
      resource() {
        return 'class/small';
      }
      async run() {
        return { output: ANSWER };
      }
    }
    const { result } = await decompose(GOAL, { runner: new Model() });
    expect(result?.status).toBe('completed');
  });

  test('is asked again after a transient error, with the same correction', async () => {
    const usage = { inputTokens: 100, outputTokens: 10 };
    const busy = new RunnerError('overloaded', 'busy', { usage });
    const runner = scripted({ output: CYCLE, usage }, busy, { output: ANSWER, usage });
    const making = decompose(GOAL, { runner });
    await vi.runAllTimersAsync();
    const made = await making;
    expect(made.plan.tasks).toEqual(PLAN);
    expect(made.rejectedAnswers).toHaveLength(1);
    expect(runner.requests[2]?.plainPrompt).toBe(runner.requests[1]?.plainPrompt);
    expect(made.usage).toMatchObject({ inputTokens: 300, outputTokens: 30 });
    expect(made.result?.metrics.attempts).toBe(2);
  });

  test.each([
    ['authentication', new RunnerError('authentication', 'wrong key')],
    ['refused', new RunnerError('refused', 'no')],
    ['task_failed', new Error('broken')],
  ])('rejects with the code of its error: %s', async (code, error) => {
    const thrown = await failure(scripted(error));
    expect(thrown.code).toBe(code);
    expect(thrown.message).toContain(error.message);
    expect(thrown.answer).toBeUndefined();
    expect(thrown.problems).toEqual([]);
    expect((thrown.cause as Error).cause).toBe(error);
  });

  test('rejects with the error of the executor when a runner returns no output object', async () => {
    const runner = { name: 'odd', run: async () => 'text' } as unknown as TaskRunner;
    const { code, message } = await failure(runner);
    expect(code).toBe('invalid_output');
    expect(message).toContain('runner "odd" answered with a string; it must resolve to { output }');
  });
});

describe('the limits of a run', () => {
  test('stop planning', async () => {
    const never: TaskRunner = { name: 'never', run: () => new Promise(() => {}) };
    const stop = new AbortController();
    const canceled = failure(never, { signal: stop.signal });
    stop.abort('enough');
    expect((await canceled).code).toBe('run_canceled');
    const late = failure(never, { deadlineMs: 1_000 });
    await vi.runAllTimersAsync();
    expect((await late).code).toBe('deadline_exceeded');
    const slow = failure(never, { timeoutMs: 1_000, retry: { maxAttempts: 1 } });
    await vi.runAllTimersAsync();
    expect((await slow).code).toBe('timeout');
  });

  test('apply to planning: budget, prices and timeline', async () => {
    const usage = { inputTokens: 1_000_000, outputTokens: 0 };
    const prices = { m: { inputPerMillion: 2, outputPerMillion: 8 } };
    const answer = { output: ANSWER, usage, model: 'm' };
    const runner = scripted(answer);
    const made = await decompose(GOAL, { runner, prices, timeline: 'stream' });
    expect(made.costUsd).toBe(2);
    expect(made.result?.timeline).toEqual([]);
    const busy = new RunnerError('overloaded', 'busy', { usage });
    const spent = failure(scripted(busy, answer), { budget: { tokens: 10 } });
    await vi.runAllTimersAsync();
    expect((await spent).result?.error?.code).toBe('budget_exceeded');
  });
});

describe('options', () => {
  test.each([
    [{ maxDepht: 2 }, 'decompose() has no option "maxDepht". Did you mean "maxDepth"?'],
    [{ maxParallel: 2 }, 'decompose() has no option "maxParallel".'],
    [{ maxDepth: 0 }, 'maxDepth must be an integer from 1 to 8; it is 0'],
    [{ maxDepth: 9 }, 'maxDepth must be an integer from 1 to 8; it is 9'],
    [{ repairAttempts: -1 }, 'repairAttempts must be an integer from 0 to 10; it is -1'],
    [{ maxSubtasks: 1.5 }, 'maxSubtasks must be an integer ≥ 1'],
    [{ minSubtasks: 0 }, 'minSubtasks must be an integer ≥ 1'],
    [{ maxTasks: Number.NaN }, 'maxTasks must be an integer ≥ 1'],
    [{ maxDescriptionLength: 0 }, 'maxDescriptionLength must be an integer ≥ 1'],
    [{ maxAnswerLength: '9' }, 'maxAnswerLength must be an integer ≥ 1'],
    [{ minSubtasks: 11 }, 'minSubtasks is 11, more than maxSubtasks, which is 10'],
    [{ minSubtasks: 5, maxTasks: 4 }, 'minSubtasks is 5, more than maxTasks, which is 4'],
    [{ taskTypes: [] }, 'taskTypes must list at least one of action, decision'],
    [{ taskTypes: ['shell'] }, 'taskTypes must list at least one of action, decision'],
    [{ tools: ['weather'] }, 'tools must be a list of tools created by tool()'],
    [{ tools: [weather, weather] }, 'there are two tools named "weather"'],
    [{ models: ['fast'] }, "models must map names to descriptions, like { fast: 'short texts' }"],
    [{ models: { fast: 1 } }, 'models must map names to descriptions'],
    [{ examples: [{ goal: 'x' }] }, 'examples must be a list of plans: { goal, tasks }'],
    [{ examples: [null] }, 'examples must be a list of plans: { goal, tasks }'],
    [{ promptTemplate: 'Plan!' }, 'promptTemplate must contain {{goal}}'],
    [
      { promptTemplate: '{{goal}} {{tool}}' },
      'promptTemplate has the unknown placeholder {{tool}}',
    ],
    [{ promptTemplate: 7 }, 'promptTemplate must be a string'],
    [{ complexity: 'hard' }, "complexity must be 'simple' or 'complex'"],
    [{ complexity: () => true }, "complexity must be 'simple' or 'complex'"],
    [{ runner: {} }, 'runner must be a TaskRunner, such as openai() or simulated()'],
    [{ deadlineMs: -1 }, 'deadlineMs must be'],
  ])('%j are rejected: %s', async (options, message) => {
    const making = decompose(GOAL, { runner: scripted(ANSWER), ...options } as never);
    await expect(making).rejects.toThrow(OptionError);
    await expect(making).rejects.toThrow(message);
  });

  test('of the run are checked even when a simple goal needs no run', async () => {
    for (const options of [{ budget: { tokens: -1 } }, { signal: 5 }, { timeline: 'no' }]) {
      const making = decompose('Say hello', { runner: scripted(), ...options } as never);
      await expect(making).rejects.toThrow(OptionError);
    }
  });

  test.each(['', '  ', undefined, 7])('an empty goal is rejected: %j', async (goal) => {
    const making = decompose(goal as never, { runner: scripted() });
    await expect(making).rejects.toThrow('the goal must be a non-empty string');
  });

  test('that are undefined take their defaults', async () => {
    const options = { maxDepth: undefined, deadlineMs: undefined, promptTemplate: undefined };
    const made = await decompose(GOAL, { runner: scripted(ANSWER), ...options } as never);
    expect(made.plan.tasks).toEqual(PLAN);
  });
});
