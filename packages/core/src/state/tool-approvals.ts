import type { ToolApprovalDecided, ToolApprovalRequested } from '../contract/event.js';
import type { ApprovalDecision } from '../contract/tool-approval.js';

/** A call of a tool that an attempt in flight asked a human about. */
export interface ToolApproval {
  /** Position of its `tool_approval_requested` event. */
  readonly position: number;
  readonly key: string;
  readonly callId: string;
  readonly tool: string;
  readonly timeoutMs: number | undefined;
  /** Undefined while it waits. */
  readonly decision: ApprovalDecision | undefined;
}

interface OfTask {
  readonly calls: Map<string, ToolApproval>;
  /** How many of them wait. */
  open: number;
  /** Since when at least one waits, as Unix time in milliseconds. */
  openSince: number;
}

/**
 * The calls that the attempts in flight asked humans about. An attempt that starts again after a crash
 * finds the decisions about its calls here.
 */
export class ToolApprovals {
  readonly #byTask = new Map<number, OfTask>();

  /** Number of tasks in flight that have asked. */
  get size(): number {
    return this.#byTask.size;
  }

  find(index: number, key: string): ToolApproval | undefined {
    return this.#byTask.get(index)?.calls.get(key);
  }

  /** Whether calls of the attempt in flight at a task wait. */
  isWaiting(index: number): boolean {
    return (this.#byTask.get(index)?.open ?? 0) > 0;
  }

  /** The calls at a task that wait, in the order of their requests. */
  openAt(index: number): ToolApproval[] {
    const calls = this.#byTask.get(index)?.calls.values() ?? [];
    return [...calls].filter(({ decision }) => decision === undefined);
  }

  /** All calls that wait. */
  open(): (readonly [index: number, approval: ToolApproval])[] {
    return [...this.#byTask.keys()].flatMap((index) =>
      this.openAt(index).map((approval) => [index, approval] as const),
    );
  }

  requested(index: number, event: ToolApprovalRequested, position: number): void {
    const { key, callId, tool, timeoutMs, timestamp } = event;
    const calls = this.#byTask.get(index) ?? { calls: new Map(), open: 0, openSince: 0 };
    this.#byTask.set(index, calls);
    calls.calls.set(key, { position, key, callId, tool, timeoutMs, decision: undefined });
    if (calls.open++ === 0) calls.openSince = timestamp;
  }

  /** @returns For how long the attempt has waited, once none of its calls waits any more; else 0. */
  decided(index: number, event: ToolApprovalDecided): number {
    const { key, approved, message, withdrawn, timestamp } = event;
    const of = this.#byTask.get(index);
    const call = of?.calls.get(key);
    if (of === undefined || call === undefined || call.decision !== undefined) return 0;
    if (withdrawn) of.calls.delete(key);
    else of.calls.set(key, { ...call, decision: { approved, message } });
    return --of.open === 0 ? timestamp - of.openSince : 0;
  }

  /** An attempt has been started again after its process ended: it has waited since then. */
  restarted(index: number, at: number): void {
    const calls = this.#byTask.get(index);
    if (calls !== undefined) calls.openSince = at;
  }

  /** The attempt has ended. */
  end(index: number): void {
    this.#byTask.delete(index);
  }

  /** What it keeps to itself, for tests that compare two states. */
  get internals(): Readonly<Record<string, unknown>> {
    const tasks = Array.from(this.#byTask, ([index, { calls, open, openSince }]) => {
      return [index, open, openSince, [...calls.values()]] as const;
    });
    return { tasks };
  }
}
