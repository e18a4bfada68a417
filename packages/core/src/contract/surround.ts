import type { Usage } from './usage.js';

/** The headers that carry a trace from one process to another, such as `traceparent`. */
export type TraceContext = Readonly<Record<string, string>>;

/** A request to a model. An attempt may make several. */
export interface ModelCall {
  /** 1 for the first request of the attempt. */
  readonly step: number;
  readonly provider: string;
  /** The model that is asked. */
  readonly model: string;
  /** The address of the server, where it is known. */
  readonly baseURL?: string | undefined;
  readonly settings?: SamplingSettings | undefined;
  /** Whether the answer has to be JSON. */
  readonly isJson?: boolean | undefined;
  /** What is sent; what was sent before it is repeated by the server or the client. */
  readonly input: ModelCallInput;
}

/** How the model is to write. */
export interface SamplingSettings {
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly seed?: number | undefined;
  readonly maxOutputTokens?: number | undefined;
  readonly stopSequences?: readonly string[] | undefined;
}

export type ModelCallInput =
  | { readonly kind: 'prompt' | 'correction'; readonly text: string }
  | {
      readonly kind: 'tool_results';
      readonly results: readonly {
        readonly callId: string;
        readonly result: { readonly text: string };
      }[];
    };

/** The answer of a model. */
export interface ModelCallResult {
  readonly text: string;
  readonly toolCalls?:
    | readonly { readonly callId: string; readonly tool: string; readonly input: unknown }[]
    | undefined;
  readonly usage?: Usage | undefined;
  readonly costUsd?: number | undefined;
  readonly model?: string | undefined;
  readonly requestId?: string | undefined;
}

export interface InstrumentedToolCall {
  readonly callId: string;
  readonly tool: string;
  readonly input: unknown;
}

/** Surrounds the requests and the calls of one attempt; see `RunContext.surround`. */
export interface Surround {
  modelCall<Result extends ModelCallResult>(
    call: ModelCall,
    work: () => Promise<Result>,
  ): Promise<Result>;
  toolCall<Result>(call: InstrumentedToolCall, work: () => Promise<Result>): Promise<Result>;
}
