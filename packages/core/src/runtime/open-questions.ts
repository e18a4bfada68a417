import type { TaskWaiting, ToolApprovalRequested } from '../contract/event.js';
import type { OpenQuestion } from '../contract/open-question.js';
import type { EventLog } from '../state/event-log.js';
import type { RunState } from '../state/run-state.js';
import { valueText } from '../state/value-text.js';

/** The human steps and the calls of tools that wait, among the first events of the log. */
export function openQuestionsIn(state: RunState, log: EventLog, end: number): OpenQuestion[] {
  const steps = [...state.questions.values()].map(({ position }) => position);
  const calls = state.approvals.open().map(([, { position }]) => position);
  return [...steps, ...calls]
    .filter((position) => position < end)
    .sort((a, b) => a - b)
    .map((position) => questionOf(log.objectAt(position) as TaskWaiting | ToolApprovalRequested));
}

function questionOf(event: TaskWaiting | ToolApprovalRequested): OpenQuestion {
  const { taskId, timestamp: since, timeoutMs } = event;
  const limit = timeoutMs === undefined ? {} : { timeoutMs };
  if (event.type === 'task_waiting') {
    const { question, kind } = event;
    return { taskId, question, kind, since, ...limit };
  }
  const { callId, tool, input } = event;
  const question = callQuestion(tool, input);
  return { taskId, question, kind: 'approval', since, ...limit, call: { callId, tool, input } };
}

/** The longest input in a question, in characters. */
const MAX_INPUT_LENGTH = 500;

/** `Call the tool "send" with {"to":"Ada"}?` */
function callQuestion(tool: string, input: unknown): string {
  const text = valueText(input) ?? '';
  const shown = text.length > MAX_INPUT_LENGTH ? `${text.slice(0, MAX_INPUT_LENGTH)}…` : text;
  return `Call the tool "${tool}" with ${shown}?`;
}
