import { type Usage, usageOf } from './usage.js';
import { copyOf } from './value.js';

/** A part of the output that a runner reports during an attempt, as a `task_output` event. */
export type OutputPart =
  | TextPart
  | ReasoningPart
  | ToolCallPart
  | ToolResultPart
  | StepPart
  | AttachmentPart
  | NoticePart;

/** A piece of the text that the model writes. */
export interface TextPart {
  readonly kind: 'text';
  readonly text: string;
}

/** A piece of the model's reasoning, which is never part of the output. */
export interface ReasoningPart {
  readonly kind: 'reasoning';
  readonly text: string;
}

/** The model calls a tool. */
export interface ToolCallPart {
  readonly kind: 'tool_call';
  /** Pairs the call with its result. */
  readonly callId: string;
  /**
   * Names the call within its attempt, by the tool, its input and how often that came before. Left out for
   * calls of tools that do not exist.
   */
  readonly key?: string | undefined;
  readonly tool: string;
  /** As the model wrote it; it may not match the tool's schema. */
  readonly input: unknown;
}

/** The result of a tool call. */
export interface ToolResultPart {
  readonly kind: 'tool_result';
  readonly callId: string;
  /** That of the call. */
  readonly key?: string | undefined;
  readonly tool: string;
  readonly ok: boolean;
  /** The value that the tool returned, if the call succeeded. */
  readonly output?: unknown | undefined;
  /** The error message for the model, if the call failed. */
  readonly message?: string | undefined;
  /** The tool has run before the attempt was started again after a crash: this is its result of then. */
  readonly recorded?: boolean | undefined;
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

/** The attempt begins with this attachment. Its bytes are in the journal alone, once for each hash. */
export interface AttachmentPart {
  readonly kind: 'attachment';
  readonly filename: string;
  readonly mediaType: string;
  /** Where it comes from: a path, an address, or `data`. */
  readonly source: string;
  /** The number of bytes; left out for an address, as the provider fetches it. */
  readonly size?: number | undefined;
  /** The hash of the bytes, as hexadecimal digits. */
  readonly sha256?: string | undefined;
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

/** The type of each field; `?` marks those that may be missing. */
const SHAPES: Readonly<Record<OutputPart['kind'], Readonly<Record<string, string>>>> = {
  text: { text: 'string' },
  reasoning: { text: 'string' },
  tool_call: { callId: 'string', key: 'string?', tool: 'string', input: 'any?' },
  tool_result: {
    callId: 'string',
    key: 'string?',
    tool: 'string',
    ok: 'boolean',
    output: 'any?',
    message: 'string?',
    recorded: 'boolean?',
    durationMs: 'number',
  },
  step: { step: 'number', usage: 'usage?', model: 'string?', requestId: 'string?' },
  attachment: {
    filename: 'string',
    mediaType: 'string',
    source: 'string',
    size: 'number?',
    sha256: 'string?',
  },
  notice: { source: 'string', message: 'string', code: 'string?' },
};

/**
 * Converts the argument of `emit()` to a part. Copies the fields of its kind alone, because they become
 * fields of an event. Drops an optional field of a wrong type.
 *
 * @throws {TypeError} when it is neither a string nor a part.
 */
export function partOf(emitted: string | OutputPart): OutputPart {
  if (typeof emitted === 'string') return { kind: 'text', text: emitted };
  const given = Object(emitted) as Readonly<Record<string, unknown>>;
  const kind = given.kind as OutputPart['kind'];
  if (!Object.hasOwn(SHAPES, kind)) {
    throw notAPart(`: { kind: ${Object.keys(SHAPES).join(' | ')} }`);
  }
  const part: Record<string, unknown> = { kind };
  for (const [name, type] of Object.entries(SHAPES[kind])) {
    const value = fieldOf(given[name], type.replace('?', ''));
    if (value !== undefined) part[name] = value;
    else if (!type.endsWith('?')) throw notAPart(`; a part of the kind "${kind}" needs ${name}`);
  }
  return part as unknown as OutputPart;
}

function fieldOf(value: unknown, type: string): unknown {
  if (type === 'any') return copyOf(value);
  if (type === 'usage') return usageOf(value);
  return typeof value === type ? value : undefined;
}

function notAPart(why: string): TypeError {
  return new TypeError(`emit() takes a piece of text, or a part${why}`);
}
