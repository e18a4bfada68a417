import type { WaitKind } from './wait-for.js';

/**
 * A human step that waits for `answer`, `approve` or `reject`, or a call of a tool that waits for
 * `approve` or `reject`.
 */
export interface OpenQuestion {
  readonly taskId: string;
  readonly question: string;
  readonly kind: WaitKind;
  /** When it was asked, as Unix time in milliseconds. */
  readonly since: number;
  /** How long it waits, without the time in which no process ran the run; undefined without a limit. */
  readonly timeoutMs?: number | undefined;
  /** The call, where a call of a tool waits for its approval. */
  readonly call?: ToolCallQuestion | undefined;
}

/** The call of a tool that a question is about. */
export interface ToolCallQuestion {
  /** To name it in `approve` and `reject`, where several calls of a task wait. */
  readonly callId: string;
  readonly tool: string;
  readonly input: unknown;
}
