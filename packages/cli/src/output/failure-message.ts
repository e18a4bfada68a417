import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TaskError } from '@stratagem/core';

/** Why a task failed, without the prefix that names the task. A mistake in code comes with its place. */
export function failureMessage(error: TaskError): string {
  const prefix = `Task "${error.taskId}" failed: `;
  const { message } = error;
  const why = message.startsWith(prefix) ? message.slice(prefix.length) : message;
  return `${why}${placeOf(error)}`;
}

/** Thrown by mistakes in the code of a runner, a function or a tool. */
const MISTAKES: readonly string[] = ['TypeError', 'ReferenceError', 'RangeError'];

const FRAME = /^ +at (?:.*\(|async )?((?:file:\/\/)?(?:\/|[a-z]:[\\/]).+:\d+:\d+)\)?$/i;

/** ` (my-runner.js:4:12)`, or nothing. The `cause` of a recorded error is not known any more. */
function placeOf({ code, cause }: TaskError): string {
  if (code !== 'task_failed' || !(cause instanceof Error)) return '';
  if (!MISTAKES.includes(cause.name)) return '';
  for (const line of cause.stack?.split('\n') ?? []) {
    const place = FRAME.exec(line)?.[1];
    if (place === undefined || /[\\/]node_modules[\\/]/.test(place)) continue;
    const path = place.startsWith('file:') ? fileURLToPath(place) : place;
    const short = relative('', path);
    return ` (${short.startsWith('..') ? path : short})`;
  }
  return '';
}
