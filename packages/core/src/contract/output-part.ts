import type { Usage } from './usage.js';

/** A part of the output that a runner reports during an attempt, as a `task_output` event. */
export type OutputPart = TextPart | ToolCallPart | ToolResultPart | StepPart | NoticePart;

/** A piece of the text that the model writes. */
export interface TextPart {
  readonly kind: 'text';
  readonly text: string;
}

/** The model calls a tool. */
export interface ToolCallPart {
  readonly kind: 'tool_call';
  /** Pairs the call with its result. */
  readonly callId: string;
  readonly tool: string;
  /** As the model wrote it; it may not match the tool's schema. */
  readonly input: unknown;
}

/** The result of a tool call. */
export interface ToolResultPart {
  readonly kind: 'tool_result';
  readonly callId: string;
  readonly tool: string;
  readonly ok: boolean;
  /** The value that the tool returned, if the call succeeded. */
  readonly output?: unknown | undefined;
  /** The error message for the model, if the call failed. */
  readonly message?: string | undefined;
  readonly durationMs: number;
}

/** The model answered one request of an attempt that takes several. */
export interface StepPart {
  readonly kind: 'step';
  /** 1 for the first request. */
  readonly step: number;
  /** Tokens of this request alone; the end of the attempt has the total. */
  readonly usage?: Usage | undefined;
  readonly model?: string | undefined;
  readonly requestId?: string | undefined;
}

/** A runner reports something else than output: a wait, a fallback, a hit of its cache. */
export interface NoticePart {
  readonly kind: 'notice';
  /** The name of the runner. */
  readonly source: string;
  readonly message: string;
  /** The code of the error that caused it, if there is one. */
  readonly code?: string | undefined;
}

const KINDS: readonly string[] = ['text', 'tool_call', 'tool_result', 'step', 'notice'];

/**
 * Converts the argument of `emit()` to a part.
 *
 * @throws {TypeError} when it is neither a string nor a part.
 */
export function partOf(emitted: string | OutputPart): OutputPart {
  if (typeof emitted === 'string') return { kind: 'text', text: emitted };
  if (typeof emitted === 'object' && emitted !== null && KINDS.includes(emitted.kind)) {
    if (emitted.kind !== 'text' || typeof emitted.text === 'string') return emitted;
  }
  throw new TypeError(`emit() takes a piece of text, or a part: { kind: ${KINDS.join(' | ')} }`);
}
