/** A text around which a model put a fence. */
const FENCED = /^\s*```[a-z]*\s*\n([\s\S]*?)\n?\s*```\s*$/i;

/** The JSON that a model wrote, alone or in a fenced block; undefined when it is none. */
export function parseJsonAnswer(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(FENCED.exec(text)?.[1] ?? text) };
  } catch {
    return undefined;
  }
}
