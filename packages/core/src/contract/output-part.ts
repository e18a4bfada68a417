import type { Usage } from './usage.js';

/** What a runner reports while an attempt runs; each becomes a `task_output` event. */
export type OutputPart = TextPart | ToolCallPart | ToolResultPart | StepPart | NoticePart;

/** A piece of the text that the model writes. */
export interface TextPart {
  readonly kind: 'text';
  readonly text: string;
}

/** The model asks for a tool. */
export interface ToolCallPart {
  readonly kind: 'tool_call';
  /** Pairs the call with its result. */
  readonly callId: string;
  readonly tool: string;
  /** As the model wrote it; it may not fit the tool's schema. */
  readonly input: unknown;
}

/** What came of a tool call. */
export interface ToolResultPart {
  readonly kind: 'tool_result';
  readonly callId: string;
  readonly tool: string;
  readonly ok: boolean;
  /** What the tool returned, when it is ok. */
  readonly output?: unknown;
  /** What the model was told, when it is not. */
  readonly message?: string;
  readonly durationMs: number;
}

/** The model answered one request of an attempt that takes several. */
export interface StepPart {
  readonly kind: 'step';
  /** 1 for the first request. */
  readonly step: number;
  /** Tokens of this request alone; those of the whole attempt come with its end. */
  readonly usage?: Usage;
  readonly model?: string;
  readonly requestId?: string;
}

/** A runner says what it did besides asking the model: waited, fell back, answered from a cache. */
export interface NoticePart {
  readonly kind: 'notice';
  /** The name of the runner that says it. */
  readonly source: string;
  readonly message: string;
  /** The error that made it do so, if one did. */
  readonly code?: string;
}

const KINDS: readonly string[] = ['text', 'tool_call', 'tool_result', 'step', 'notice'];

/**
 * What was emitted, as a part.
 *
 * @throws {TypeError} when it is neither a text nor a part.
 */
export function partOf(emitted: string | OutputPart): OutputPart {
  if (typeof emitted === 'string') return { kind: 'text', text: emitted };
  if (typeof emitted === 'object' && emitted !== null && KINDS.includes(emitted.kind)) {
    if (emitted.kind !== 'text' || typeof emitted.text === 'string') return emitted;
  }
  throw new TypeError(`emit() takes a piece of text, or a part: { kind: ${KINDS.join(' | ')} }`);
}
