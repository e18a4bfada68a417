import { RunnerError } from './errors.js';

/**
 * The prompt of a task: its description, then the output of each dependency in an element that
 * names its task. Text stands as it is; anything else as JSON.
 *
 * @param order The ids in the order wanted; an object does not keep that of ids like "7".
 */
export function composePrompt(
  description: string,
  inputs: Readonly<Record<string, unknown>>,
  order: readonly string[] = Object.keys(inputs),
): string {
  const parts = [description];
  for (const id of order) {
    parts.push(`<output task="${escapeAttribute(id)}">\n${asText(id, inputs[id])}\n</output>`);
  }
  return parts.join('\n\n');
}

function asText(id: string, output: unknown): string {
  if (typeof output === 'string') return output;
  try {
    return JSON.stringify(output, undefined, 2) ?? String(output);
  } catch (cause) {
    const message = `the output of its dependency "${id}" cannot be written as JSON for the prompt`;
    throw new RunnerError('invalid_input', message, { cause });
  }
}

function escapeAttribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
