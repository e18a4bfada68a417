import { describe, RunnerError } from '../contract/errors.js';
import type { RunContext } from '../contract/run-context.js';
import { extendKey } from '../contract/run-id.js';
import { formatIssues } from '../contract/schema.js';
import type { RecordedToolResult, Tool, ToolContext, ToolResult } from '../contract/tool.js';
import type { ApprovalDecision, ApprovalRequest } from '../contract/tool-approval.js';
import { validateWith } from '../contract/validate-with.js';
import { canonical } from '../serialize/canonical.js';
import { toDataLoosely } from '../serialize/value.js';
import { valueText } from '../state/value-text.js';
import { fingerprint } from '../util/hash.js';
import { isThenable } from '../util/promise.js';
import { MAX_TIMER_MS } from '../util/timer.js';

/** An attempt whose model calls tools. */
export interface CallingAttempt extends RunContext {
  /** Asks a human whether the attempt may make a call. */
  askApproval(request: ApprovalRequest): Promise<ApprovalDecision>;
  /** The result of a call that it made before it was started again after a crash. */
  toolResult(key: string): RecordedToolResult | undefined;
}

/** One call of the model, to one of the tools of its attempt. */
export interface ToolRequest {
  readonly context: CallingAttempt;
  readonly callId: string;
  readonly signal: AbortSignal;
  /** How often the attempt has called the tool with each input. */
  readonly repeats: Map<string, number>;
}

/**
 * Calls a tool for the model of an attempt, and logs the call and its result.
 *
 * @throws {RunnerError} `aborted` when the attempt is over; any other failure is a result.
 */
export async function callTool(
  tool: Tool,
  given: unknown,
  { context, callId, signal, repeats }: ToolRequest,
): Promise<ToolResult> {
  requireRunning(signal);
  const { name } = tool;
  const input = typeof given === 'string' ? fromJson(given) : (given ?? {});
  const key = keyOf(name, input, repeats);
  const before = context.toolResult(key);
  const about = { callId, key, tool: name };
  await context.emit({ kind: 'tool_call', ...about, input });
  if (before !== undefined) return repeated(before, about, context);
  const idempotencyKey = extendKey(context.idempotencyKey, key);
  const call: Call & { began: number } = {
    ...{ context, callId, key, idempotencyKey, signal },
    began: performance.now(),
  };
  const result = await surrounded(call, name, input, () => resultOf(tool, input, call));
  requireRunning(signal);
  const durationMs = performance.now() - call.began;
  const { text: _, ...reported } = result;
  await context.emit({ kind: 'tool_result', ...about, ...reported, durationMs });
  return result;
}

/** The result of a call that was made before a crash: the tool does not run again. */
async function repeated(
  { ok, output, message = '' }: RecordedToolResult,
  about: { readonly callId: string; readonly key: string; readonly tool: string },
  { emit }: CallingAttempt,
): Promise<ToolResult> {
  const result: ToolResult = ok ? { ok, output, text: textOf(output) } : failure(message);
  const { text: _, ...reported } = result;
  const recorded = { recorded: true, durationMs: 0 };
  await emit({ kind: 'tool_result', ...about, ...reported, ...recorded });
  return result;
}

/** Does the work of a call where an instrumentation sees it. */
export function surrounded<Result>(
  { context, callId }: { readonly context: RunContext; readonly callId: string },
  tool: string,
  input: unknown,
  work: () => Promise<Result>,
): Promise<Result> {
  return context.surround?.toolCall({ callId, tool, input }, work) ?? work();
}

/**
 * The key of a call depends on its input, and not on the call ids of a model, which may be missing,
 * repeated, or other ones when the attempt is started again.
 */
function keyOf(name: string, input: unknown, repeats: Map<string, number>): string {
  const request = `${name}-${fingerprint(canonical(toDataLoosely(input)))}`;
  const repeat = (repeats.get(request) ?? 0) + 1;
  repeats.set(request, repeat);
  return `${request}-${repeat}`;
}

/**
 * Parses JSON if possible. Models that call a tool without input send an empty string or null, and
 * some servers write the JSON as a string of JSON.
 */
function fromJson(text: string): unknown {
  try {
    const input = text.trim() === '' ? {} : (JSON.parse(text) ?? {});
    return typeof input === 'string' ? fromJson(input) : input;
  } catch {
    return text;
  }
}

/** One call of a tool, in an attempt. */
export interface Call {
  readonly context: CallingAttempt;
  readonly callId: string;
  /** Names it within the attempt. */
  readonly key: string;
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
  /** When the tool began. */
  began?: number | undefined;
}

/** Rejects only when the attempt has been aborted; any other failure is a result for the model. */
async function resultOf(tool: Tool, input: unknown, call: Call): Promise<ToolResult> {
  if (typeof input === 'string') {
    return failure(`the input is not the JSON of an object: ${input.slice(0, 200)}`);
  }
  try {
    const checked = await validateWith(tool.inputSchema, input);
    if (checked.issues !== undefined) {
      return failure(`the input does not match the schema: ${formatIssues(checked.issues)}`);
    }
    const refusal = await refusalOf(tool, input, checked.value, call);
    if (refusal !== undefined) return failure(refusal);
    call.began = performance.now();
    const output = await executeTool(tool, checked.value, call);
    return { ok: true, output, text: textOf(output) };
  } catch (thrown) {
    requireRunning(call.signal);
    return failure(describe(thrown));
  }
}

/** Asks a human, if the tool needs that. Returns why the call must not run. */
export async function refusalOf(
  { name, needsApproval = false, approvalTimeoutMs }: Tool,
  input: unknown,
  checked: unknown,
  { context, callId, key, signal }: Call,
): Promise<string | undefined> {
  const isAsked =
    typeof needsApproval === 'function' ? await needsApproval(checked) : needsApproval;
  // Nothing but a clear no lets the call run.
  if (isAsked === false) return undefined;
  const limit = approvalTimeoutMs === undefined ? {} : { timeoutMs: approvalTimeoutMs };
  const asked = context.askApproval({ key, callId, tool: name, input, ...limit });
  const { approved, message } = await unlessAborted(asked, signal);
  // A damaged record or a foreign carrier may give anything.
  if (approved === true) return undefined;
  return `a human rejected this call${message === undefined ? '' : `: ${message}`}`;
}

/** Rejects when the attempt is aborted meanwhile. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  requireRunning(signal);
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function failure(message: string): ToolResult {
  return { ok: false, message, text: `Error: ${message}` };
}

/** Calls the tool. Rejects when the attempt is aborted or the call exceeds its timeout. */
export async function executeTool(tool: Tool, input: unknown, call: Call): Promise<unknown> {
  const { timeoutMs } = tool;
  const { signal } = call;
  requireRunning(signal);
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(
          () => stop.abort(new RunnerError('timeout', `no result within ${timeoutMs} ms`)),
          Math.min(timeoutMs, MAX_TIMER_MS),
        );
  const stopped = new Promise<never>((_, reject) => {
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason), { once: true });
  });
  stopped.catch(() => {}); // The race may be over when it rejects.
  try {
    const value = tool.execute(input, contextOf(call, stop.signal));
    return isThenable(value) ? await Promise.race([value, stopped]) : value;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

function contextOf({ context, callId, idempotencyKey }: Call, signal: AbortSignal): ToolContext {
  const { runId, taskId, priority, criticalPath, attempt, attemptsLeft } = context;
  const { failures, emit, surround, addTasks } = context;
  return {
    ...{
      runId,
      taskId,
      priority,
      criticalPath,
      attempt,
      idempotencyKey,
      attemptsLeft,
      failures,
      emit,
      surround,
      addTasks,
      signal,
      callId,
    },
    get remainingMs() {
      return context.remainingMs;
    },
  };
}

function requireRunning(signal: AbortSignal): void {
  if (!signal.aborted) return;
  const { reason: cause } = signal;
  throw new RunnerError('aborted', 'the attempt was stopped while a tool was called', { cause });
}

/** The output as text for the model. */
function textOf(output: unknown): string {
  try {
    // A bare bigint is a mistake of the tool: models are given numbers.
    const text = typeof output === 'bigint' ? JSON.stringify(output) : valueText(output);
    return text ?? 'done';
  } catch (cause) {
    throw new Error('its result cannot be written as JSON', { cause });
  }
}
