import type { RunEvent } from '../contract/event.js';
import type { TaskOutput, TaskRunner } from '../contract/runner.js';
import { readAnswer } from '../runtime/process-carrier.js';
import { assert } from './case.js';
import type { RecordingContext } from './recording-context.js';

export function checkAnswer(
  runner: TaskRunner,
  answer: TaskOutput,
  attempt: RecordingContext,
): void {
  const { output, usage } = readAnswer(runner.name, answer);
  if (typeof output === 'string' && attempt.text !== '') {
    assert(
      attempt.text === output,
      'the emitted text differs from the answer; emit the answer alone, and reasoning with the kind "reasoning"',
    );
  }
  assert(
    answer.usage === undefined || usage !== undefined,
    'its usage is not made of counts; leave out what the server does not say',
  );
  if (usage === undefined) return;
  const { inputTokens, outputTokens, cachedInputTokens = 0, reasoningTokens = 0 } = usage;
  assert(
    cachedInputTokens <= inputTokens,
    'it reported more cached tokens than input tokens; inputTokens includes those of the cache',
  );
  assert(
    reasoningTokens <= outputTokens,
    'it reported more reasoning tokens than output tokens; outputTokens includes them',
  );
}

const BY_TOOLS = 'run calls with request.tools[…].call(), which logs both';

/** Each tool call in the log has an id of its own, and is followed by exactly one result. */
export function checkToolCalls(timeline: readonly RunEvent[]): void {
  const open = new Set<string>();
  const called = new Set<string>();
  for (const event of timeline) {
    if (event.type !== 'task_output') continue;
    if (event.kind === 'tool_call') {
      assert(
        !called.has(event.callId),
        `two calls have the id ${event.callId}; give each an id of its own, as CallIds does`,
      );
      called.add(event.callId);
      open.add(event.callId);
    } else if (event.kind === 'tool_result') {
      assert(open.delete(event.callId), `a result without a call: ${event.callId}; ${BY_TOOLS}`);
    }
  }
  assert(open.size === 0, `calls without a result: ${[...open].join()}; ${BY_TOOLS}`);
}

export async function failureOf(work: PromiseLike<unknown>): Promise<unknown> {
  try {
    await work;
    return undefined;
  } catch (thrown) {
    return thrown ?? new Error('nothing was thrown');
  }
}

export function keepsSecret(secret: string | undefined, text: string): void {
  assert(
    secret === undefined || !text.includes(secret),
    'its output or error contains the secret; remove it with redact()',
  );
}

export function isSame(first: unknown, second: unknown): boolean {
  if (typeof first !== 'object' || typeof second !== 'object' || !first || !second) {
    return Object.is(first, second);
  }
  const keys = Object.keys(second);
  return (
    Object.keys(first).length === keys.length &&
    keys.every((key) => isSame(first[key as never], second[key as never]))
  );
}

export async function waitForTurns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

export async function within(timeoutMs: number, run: () => void | Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    const error = new Error(`it did not settle within ${timeoutMs} ms`);
    timer = setTimeout(() => reject(error), timeoutMs);
  });
  try {
    await Promise.race([run(), tooLong]);
  } finally {
    clearTimeout(timer);
  }
}
