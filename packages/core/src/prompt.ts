import { RunnerError } from './errors.js';

/**
 * The prompt of a task: its description, then the output of each dependency in an element that
 * names its task. Text stands as it is; anything else as JSON.
 */
export function composePrompt(
  description: string,
  inputs: Readonly<Record<string, unknown>>,
): string {
  const parts = [description];
  for (const id of Object.keys(inputs)) {
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
