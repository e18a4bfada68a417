import type { RunEvent } from '@stratagem/core';

/** What to say about an event that asks a human, at a coordinator of the command line; undefined otherwise. */
export function unanswerable(event: RunEvent): string | undefined {
  switch (event.type) {
    case 'task_waiting':
      return onlyElsewhere(`task "${event.taskId}" waits for an ${event.kind}`);
    case 'tool_approval_requested':
      return onlyElsewhere(`task "${event.taskId}" asks to call the tool "${event.tool}"`);
  }
  return undefined;
}

/** Says who can answer a question. */
export function onlyElsewhere(question: string): string {
  return `${question}, and nobody can answer at a coordinator of the command line: use a coordinator of your own, which answers in \`onRun\``;
}
