import type { TaskRequest, TaskRunner } from '../contract/runner.js';
import { canonical } from '../serialize/canonical.js';
import { toData, UnstorableError } from '../serialize/value.js';

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
    return await sha256(canonical(toData({ version: VERSION, content, name, resource, settings })));
  } catch (error) {
    if (error instanceof UnstorableError) return undefined;
    throw error;
  }
}

/** At once in Node, where that is many times faster; elsewhere by WebCrypto. */
function sha256(text: string): string | Promise<string> {
  const node = globalThis.process?.getBuiltinModule?.('node:crypto');
  return node === undefined ? digest(text) : node.hash('sha256', text, 'hex');
}

async function digest(text: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
