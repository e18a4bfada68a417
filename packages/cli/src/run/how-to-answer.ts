import type { RunEvent } from '@stratagem/core';
import { COMMAND } from '../output/command-name.js';
import { shellQuote } from '../output/shell-quote.js';

/**
 * What to say about an event that asks a human, where nobody can be asked; undefined otherwise.
 *
 * @param place The option that names the server of the run.
 */
export function howToAnswer(event: RunEvent, runId: string, place: string): string | undefined {
  switch (event.type) {
    case 'task_waiting':
      return answerWith(event.taskId, `waits for an ${event.kind}`, event.kind, runId, place);
    case 'tool_approval_requested':
      return answerWith(
        event.taskId,
        `asks to call the tool "${event.tool}"`,
        'approval',
        runId,
        place,
      );
  }
  return undefined;
}

/** Says how to answer a task. */
export function answerWith(
  taskId: string,
  question: string,
  kind: 'approval' | 'answer',
  runId: string,
  place: string,
): string {
  const option =
    kind === 'approval'
      ? `--approve ${shellQuote(taskId)} (or --reject)`
      : `--answer ${shellQuote(`${taskId}=…`)}`;
  return `task "${taskId}" ${question}: ${COMMAND} answer ${shellQuote(runId)}${place} ${option}`;
}
