import type { PlanInput } from '@stratagem/core';

/**
 * The value of a cell: a text where the input takes one, otherwise JSON such as `3`, `true`, `["a"]`. A
 * cell that is no JSON stays a text, for the schema of the input to report.
 */
export function fromText(input: PlanInput, text: string): unknown {
  if (mayBeText(input, text)) return text;
  try {
    return JSON.parse(text.trim());
  } catch {
    return text;
  }
}

function mayBeText({ type, ...input }: PlanInput, text: string): boolean {
  if (type !== undefined) return [type].flat().includes('string');
  if (Array.isArray(input.enum)) return input.enum.includes(text);
  return !['anyOf', 'oneOf', 'allOf', '$ref', 'const'].some((key) => key in input);
}
