/** A call of a tool that a human has to approve before it runs. */
export interface ApprovalRequest {
  /**
   * Names the call within its attempt, by the tool, its input and how often that came before: the same
   * when the attempt is started again after a crash.
   */
  readonly key: string;
  /** The model's id of the call. */
  readonly callId: string;
  readonly tool: string;
  /** What the model calls it with. */
  readonly input: unknown;
  /** How long the call waits, in milliseconds; undefined without a limit. */
  readonly timeoutMs?: number | undefined;
}

/** What became of it. */
export interface ApprovalDecision {
  /** Whether the call runs. */
  readonly approved: boolean;
  /** Why it was rejected; the model is given this. */
  readonly message?: string | undefined;
}
