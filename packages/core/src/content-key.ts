import { canonical } from './canonical.js';
import { toData, UnstorableError } from './data.js';
import type { TaskRequest, TaskRunner } from './runner.js';

/** Changes when the same content is written down in another way. */
const VERSION = 1;

/**
 * What an output follows from, as a hash: the task, what it is given, and the runner with its
 * resource (usually provider and model) and its settings. Undefined where that cannot be seen: a
 * task with tools, whose code may do anything, or inputs and settings that are no data.
 *
 * A runner that has no `settings` goes by its name and its resource alone.
 */
export async function contentKeyOf(
  request: TaskRequest,
  runner: TaskRunner,
  resource: string,
): Promise<string | undefined> {
  const { tools, check: _, ...content } = request;
  if (tools !== undefined) return undefined;
  const { name, settings = {} } = runner;
  try {
    const text = canonical(toData({ version: VERSION, content, name, resource, settings }));
    const bytes = new TextEncoder().encode(text);
    return hex(await crypto.subtle.digest('SHA-256', bytes));
  } catch (error) {
    if (error instanceof UnstorableError) return undefined;
    throw error;
  }
}

function hex(buffer: ArrayBuffer): string {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
