import { describe } from '../contract/errors.js';
import type { RunContext } from '../contract/run-context.js';
import { formatIssues } from '../contract/schema.js';
import type { Tool, ToolContext, ToolResult } from '../contract/tool.js';
import { isThenable } from '../util/promise.js';

/** The longest delay of a timer: a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface Call {
  readonly context: RunContext;
  readonly callId: string;
  readonly signal: AbortSignal;
  /** Throws when the attempt has been aborted. */
  readonly requireRunning: (signal: AbortSignal) => void;
}

/** Rejects only when the attempt has been aborted; any other failure is a result for the model. */
export async function resultOf(tool: Tool, input: unknown, call: Call): Promise<ToolResult> {
  try {
    const checked = await tool.inputSchema['~standard'].validate(input);
    if (checked.issues !== undefined) {
      return failure(`the input does not match the schema: ${formatIssues(checked.issues)}`);
    }
    const output = await execute(tool, checked.value, call);
    return { ok: true, output, text: textOf(output) };
  } catch (thrown) {
    call.requireRunning(call.signal);
    return failure(describe(thrown));
  }
}

function failure(message: string): ToolResult {
  return { ok: false, message, text: `Error: ${message}` };
}

/** Calls the tool. Rejects when the attempt is aborted or the call exceeds its timeout. */
async function execute(tool: Tool, input: unknown, call: Call): Promise<unknown> {
  const { timeoutMs } = tool;
  const { context, callId, signal } = call;
  call.requireRunning(signal);
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(
          () => stop.abort(new Error(`no result within ${timeoutMs} ms`)),
          Math.min(timeoutMs, MAX_TIMER_MS),
        );
  const stopped = new Promise<never>((_, reject) => {
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason), { once: true });
  });
  stopped.catch(() => {}); // The race may be over when it rejects.
  try {
    const value = tool.execute(input, contextOf(context, callId, stop.signal));
    return isThenable(value) ? await Promise.race([value, stopped]) : value;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

function contextOf(context: RunContext, callId: string, signal: AbortSignal): ToolContext {
  const { taskId, attempt, attemptsLeft, emit, addTasks } = context;
  const idempotencyKey = `${context.idempotencyKey}/${encodeURIComponent(callId)}`;
  return {
    ...{ taskId, attempt, idempotencyKey, attemptsLeft, emit, addTasks, signal, callId },
    get remainingMs() {
      return context.remainingMs;
    },
  };
}

/** The output as text for the model. */
function textOf(output: unknown): string {
  if (typeof output === 'string') return output;
  try {
    return JSON.stringify(output) ?? 'done';
  } catch (cause) {
    throw new Error('its result cannot be written as JSON', { cause });
  }
}
