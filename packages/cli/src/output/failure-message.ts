import type { TaskError } from '@stratagem/core';

/** Why a task failed, where the task is named already. */
export function failureOf({ message, taskId }: TaskError): string {
  const prefix = `Task "${taskId}" failed: `;
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
}
