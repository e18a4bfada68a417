import { describe, expect, test } from 'vitest';
import { RunnerError } from '../contract/errors.js';
import type { RunContext } from '../contract/run-context.js';
import type { TaskOutput, TaskRequest, TaskRunner } from '../contract/runner.js';
import { answerSchemaOf } from '../provider/answer-schema.js';
import { runnerConformance } from '../testing.js';

/** A runner that does everything right, unless a test says otherwise. */
function runnerOf(changes: Partial<TaskRunner> & { work?: Work } = {}): TaskRunner {
  const { work = answer, ...fields } = changes;
  return { name: 'sound', supportsTools: true, run: work, ...fields };
}

type Work = (request: TaskRequest, context: RunContext) => Promise<TaskOutput>;

async function answer(request: TaskRequest, context: RunContext): Promise<TaskOutput> {
  throwIfStopped(context);
  await new Promise((resolve) => setTimeout(resolve, 1));
  throwIfStopped(context);
  for (const tool of request.tools ?? []) await tool.call({ city: 'Lisbon' });
  if (answerSchemaOf(request.outputSchema) !== undefined) return { output: { title: 'Sea' } };
  const output = `Hello, ${request.taskId}`;
  context.emit(output);
  return { output, usage: { inputTokens: 9, outputTokens: 3 } };
}

function throwIfStopped({ signal }: RunContext): void {
  if (!signal.aborted) return;
  throw new RunnerError('aborted', 'stopped', { cause: signal.reason });
}

/** Which cases do not hold, with their messages. */
async function failuresOf(
  runner: TaskRunner,
  options?: Parameters<typeof runnerConformance>[1],
): Promise<Record<string, string>> {
  const failures: Record<string, string> = {};
  for (const { name, run } of runnerConformance(() => runner, options)) {
    try {
      await run();
    } catch (error) {
      failures[name] = (error as Error).message;
    }
  }
  return failures;
}

const hanging = runnerOf({
  work: (_, { signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new RunnerError('aborted', 'stopped')), {
        once: true,
      });
    }),
});
const failing = runnerOf({
  work: () => Promise.reject(new RunnerError('server_error', 'it broke')),
});

describe('a sound runner passes', () => {
  const options = { hanging: () => hanging, failing: () => failing, secret: 'sk-planted-key' };
  for (const { name, run } of runnerConformance(() => runnerOf(), options)) test(name, run);
});

describe('a runner without tools passes', () => {
  const plain = runnerOf({
    supportsTools: false,
    work: (request, context) => answer({ ...request, tools: [] }, context),
  });
  for (const { name, run } of runnerConformance(() => plain)) test(name, run);
});

describe('the suite detects, of a backend that is odd, a runner that', () => {
  test.each<[string, string, Parameters<typeof runnerConformance>[1] & object, string]>([
    [
      'takes any end for a complete answer',
      'unknown reason',
      { unfinished: () => runnerOf() },
      'accept the reasons that you know alone: answerEndOf() and requireComplete()',
    ],
    [
      'passes on the ids of its backend',
      'id of its own',
      {
        repeatingCallIds: () =>
          runnerOf({
            work: async (request, context) => {
              for (const id of ['c', 'c']) await request.tools?.[0]?.call({}, id);
              return answer({ ...request, tools: [] }, context);
            },
          }),
      },
      'two calls have the id c; give each an id of its own, as CallIds does',
    ],
    [
      'makes a call again',
      'id of its own',
      {
        repeatingCallIds: () =>
          runnerOf({
            work: async (request, context) => {
              for (const id of ['a', 'b', 'c']) await request.tools?.[0]?.call({}, id);
              return answer({ ...request, tools: [] }, context);
            },
          }),
      },
      'its backend made two calls with one id, and 3 were executed',
    ],
    [
      'returns fields as its answer',
      'adds fields and parts',
      { withExtraFields: () => runnerOf({ work: async () => ({ text: 'Hi' }) as never }) },
      'it must resolve to { output }',
    ],
    [
      'fails at fields that it does not know',
      'adds fields and parts',
      { withExtraFields: () => runnerOf({ work: () => Promise.reject(new TypeError('no case')) }) },
      'it failed at fields that its backend added: no case; read the fields and parts that you know',
    ],
    [
      'passes on fields that it does not know',
      'adds fields and parts',
      {
        withExtraFields: () =>
          runnerOf({
            work: async (_, context) => {
              context.emit({ kind: 'text', text: 'Hi', logprobs: [] } as never);
              return { output: 'Hi' };
            },
          }),
      },
      'it emitted parts with other fields: logprobs; emit the fields of the kind alone',
    ],
  ])('%s', async (_, name, options, message) => {
    const failures = await failuresOf(runnerOf(), options);
    const [failed = ''] = Object.keys(failures);
    expect(failed).toContain(name);
    expect(failures[failed]).toContain(message);
  });
});

describe('the suite detects a runner that', () => {
  test.each<[string, string, TaskRunner, string]>([
    [
      'emits parts with fields that would override those of its event',
      'emits parts with the fields of their kind alone',
      runnerOf({
        async work(request, context) {
          const part = { kind: 'text', text: 'x', type: 'text-delta', taskId: 'b' };
          context.emit(part as never);
          return answer(request, { ...context, signal: context.signal, emit: () => undefined });
        },
      }),
      'parts with other fields: type, taskId',
    ],
    ['has no name', 'describes itself', runnerOf({ name: '' }), 'it has no name'],
    [
      'has settings that are not data',
      'describes itself',
      runnerOf({ settings: { client: () => {} } }),
      'not plain JSON data',
    ],
    [
      'exposes its key',
      'describes itself',
      runnerOf({ settings: { key: 'sk-planted-key' } }),
      'contains the secret',
    ],
    [
      'answers with a bare string',
      'answers a task',
      runnerOf({ work: async () => 'hello' as never }),
      'it must resolve to { output }',
    ],
    [
      'emits other text than it answers',
      'answers a task',
      runnerOf({
        work: async (request, context) => {
          context.emit('Hm. ');
          return answer(request, context);
        },
      }),
      'the emitted text differs from the answer',
    ],
    [
      'reports more cached tokens than tokens',
      'answers a task',
      runnerOf({
        work: async () => ({
          output: '',
          usage: { inputTokens: 1, outputTokens: 1, cachedInputTokens: 2 },
        }),
      }),
      'it reported more cached tokens than input tokens',
    ],
    [
      'changes its request',
      'answers a task',
      runnerOf({
        work: async (request, context) => {
          (request as { prompt: string }).prompt += '!';
          return answer(request, context);
        },
      }),
      'read only',
    ],
    [
      'spreads its context',
      'answers a task',
      runnerOf({ work: (request, context) => answer(request, { ...context }) }),
      'undefined',
    ],
    [
      'leaves a listener behind',
      'emits nothing after its answer',
      runnerOf({
        work: (request, context) => {
          context.signal.addEventListener('abort', () => {});
          return answer(request, context);
        },
      }),
      'it left 1 listeners',
    ],
    [
      'keeps emitting',
      'emits nothing after its answer',
      runnerOf({
        work: async (request, context) => {
          const given = await answer(request, context);
          setTimeout(() => context.emit('late'), 3);
          return given;
        },
      }),
      'after its answer',
    ],
    [
      'mixes up concurrent tasks',
      'answers several tasks concurrently',
      (() => {
        let current: RunContext;
        return runnerOf({
          work: async (request, context) => {
            current = context;
            await new Promise((resolve) => setTimeout(resolve, 2));
            current.emit(request.taskId);
            return { output: request.taskId };
          },
        });
      })(),
      'the emitted text differs from the answer',
    ],
    [
      'ignores the signal',
      'makes no request for an attempt that was aborted',
      runnerOf({ work: async () => ({ output: '' }) }),
      'it answered despite the abort',
    ],
    [
      'answers schemas with prose',
      'answers in the schema of a task',
      runnerOf({ work: async () => ({ output: 'A title, then.' }) }),
      'does not match its outputSchema',
    ],
    [
      'fails some tasks',
      'runs every task of a plan once',
      runnerOf({
        work: (request, context) =>
          request.taskId === 'task-7'
            ? Promise.reject(new RunnerError('refused', 'no'))
            : answer(request, context),
      }),
      'failed: ',
    ],
  ])('%s', async (_, name, runner, message) => {
    const failures = await failuresOf(runner, { secret: 'sk-planted-key' });
    const found = Object.entries(failures).find(([failed]) => failed.startsWith(name));
    expect(found?.[1], JSON.stringify(failures)).toContain(message);
  });

  test('cannot be aborted', async () => {
    const deaf = () => runnerOf({ work: () => new Promise(() => {}) });
    expect(await failuresOf(runnerOf(), { hanging: deaf, timeoutMs: 300 })).toEqual({
      'stops waiting for its backend when it is aborted': 'it did not settle within 300 ms',
    });
  });

  test('fails with errors of its own', async () => {
    const foreign = () => runnerOf({ work: () => Promise.reject(new Error('ECONNRESET')) });
    expect(await failuresOf(runnerOf(), { failing: foreign })).toEqual({
      'fails with an error code of attempts': expect.stringContaining(
        'it did not reject with a RunnerError; wrap',
      ),
    });
  });

  test('omits the result of a tool', async () => {
    const incomplete = runnerOf({
      work: (request, context) => {
        if (request.tools === undefined) return answer(request, context);
        context.emit({ kind: 'tool_call', callId: '1', tool: 'weather', input: {} });
        return answer({ ...request, tools: [] }, context);
      },
    });
    expect(await failuresOf(incomplete)).toEqual({
      'supports tools or declares that it does not': expect.stringContaining(
        'calls without a result: 1; run',
      ),
    });
  });
});
