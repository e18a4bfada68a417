import type { TaskOutputReceived } from '../contract/event.js';
import type { AttemptRecord, ToolRecord } from './task-record.js';

/** Takes a part of the output of an attempt in flight into account. */
export function noteOutput(
  attempt: AttemptRecord | undefined,
  event: TaskOutputReceived,
  now: number,
): void {
  if (attempt === undefined) return;
  switch (event.kind) {
    case 'text':
      attempt.firstOutputMs ??= now;
      countWords(attempt, event.text);
      break;
    case 'tool_call': {
      const { callId, tool, input } = event;
      attempt.firstOutputMs ??= now;
      attempt.tools ??= [];
      attempt.tools.push({ callId, tool, input, startMs: now, endMs: undefined, ok: undefined });
      break;
    }
    case 'tool_result': {
      const step = attempt.tools?.findLast(({ callId }) => callId === event.callId);
      if (step !== undefined) endTool(step, event, now);
      break;
    }
  }
}

function endTool(
  step: ToolRecord,
  { ok, output, message }: TaskOutputReceived & { kind: 'tool_result' },
  now: number,
): void {
  step.endMs = now;
  step.ok = ok;
  if (output !== undefined) step.output = output;
  if (message !== undefined) step.message = message;
}

/** Words are what white space separates; one may come in several pieces. */
function countWords(attempt: AttemptRecord, text: string): void {
  for (let position = 0; position < text.length; position++) {
    const isSpace = text.charCodeAt(position) <= 32;
    if (!isSpace && !attempt.isInWord) attempt.words++;
    attempt.isInWord = !isSpace;
  }
  attempt.letters += text.length;
}
