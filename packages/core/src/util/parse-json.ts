/** Text in a fenced code block. */
const FENCED = /^\s*```[a-z]*\s*\n([\s\S]*?)\n?\s*```\s*$/i;

/** Parses JSON that a model wrote, alone or in a fenced block; undefined for other text. */
export function parseJsonAnswer(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(FENCED.exec(text)?.[1] ?? text) };
  } catch {
    return undefined;
  }
}
