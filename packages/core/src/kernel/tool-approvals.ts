import type { ApprovalDecision, ApprovalRequest } from '../contract/tool-approval.js';
import type { ToolApproval } from '../state/tool-approvals.js';
import { startAttemptTimer } from './attempts.js';
import type { Machine } from './machine.js';

/**
 * An attempt asks whether it may call a tool. One that was started again finds the decision of before,
 * or that the question is still open.
 */
export function requestApproval(machine: Machine, index: number, request: ApprovalRequest): void {
  const { state } = machine;
  const known = state.approvals.find(index, request.key);
  if (known !== undefined) {
    if (known.decision !== undefined) commandDecision(machine, index, known.key, known.decision);
    return;
  }
  const attempt = state.attemptsOf(index);
  machine.tell(
    { ...request, type: 'tool_approval_requested', ...machine.about(index), attempt },
    index,
  );
  machine.heard.delete(index);
  startApprovalTimer(machine, index);
}

/** A human decided, or nobody did in time. */
export function decideApproval(
  machine: Machine,
  index: number,
  { key, callId, tool }: ToolApproval,
  decision: ApprovalDecision,
): void {
  const { state } = machine;
  const about = { ...machine.about(index), attempt: state.attemptsOf(index) };
  machine.tell({ type: 'tool_approval_decided', ...about, key, callId, tool, ...decision }, index);
  commandDecision(machine, index, key, decision);
  if (state.approvals.isWaiting(index)) startApprovalTimer(machine, index);
  else startAttemptTimer(machine, index);
}

/** Nobody has decided in time: the call is rejected. */
export function expireApprovals(machine: Machine, index: number): void {
  const { state, now } = machine;
  for (const call of state.approvals.openAt(index)) {
    if (endsAt(machine, call) > now) continue;
    const message = `nobody approved it within ${call.timeoutMs} ms`;
    decideApproval(machine, index, call, { approved: false, message });
  }
}

/**
 * An attempt that was started again makes a call that it did not make before: its conversation has become
 * another one. Questions about calls of before, which it has not made again, are withdrawn.
 */
export function withdrawOldApprovals(machine: Machine, index: number, key: string): void {
  const { state } = machine;
  if (!state.toolCalls.isNew(index, key)) return;
  for (const call of state.approvals.openAt(index)) {
    if (!state.toolCalls.isLeftFromBefore(index, call.key)) continue;
    const about = { ...machine.about(index), attempt: state.attemptsOf(index) };
    const { callId, tool } = call;
    const message = 'the attempt was started again, and its model makes other calls';
    const decision = { approved: false, message, withdrawn: true as const };
    const type = 'tool_approval_decided';
    machine.tell({ type, ...about, key: call.key, callId, tool, ...decision }, index);
  }
  if (state.approvals.isWaiting(index)) startApprovalTimer(machine, index);
  else startAttemptTimer(machine, index);
}

/** While a call waits, nothing but its own limit counts. */
export function startApprovalTimer(machine: Machine, index: number): void {
  const open = machine.state.approvals.openAt(index);
  const at = Math.min(...open.map((call) => endsAt(machine, call)));
  if (at === Number.POSITIVE_INFINITY) machine.timers.clear(index);
  else machine.timers.set(index, at);
}

function endsAt({ state }: Machine, { position, timeoutMs }: ToolApproval): number {
  return state.timeOf(position) + (timeoutMs ?? Number.POSITIVE_INFINITY);
}

function commandDecision(
  { commands, state }: Machine,
  index: number,
  key: string,
  decision: ApprovalDecision,
): void {
  commands.push({ type: 'decide', index, attempt: state.attemptsOf(index), key, decision });
}
