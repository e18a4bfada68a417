import type { TaskError } from '@stratagem/core';

/** Why a task failed, without the prefix that names the task. */
export function failureMessage({ message, taskId }: TaskError): string {
  const prefix = `Task "${taskId}" failed: `;
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
}
