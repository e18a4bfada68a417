/** Answers with text as it was typed, or with the JSON that it is when a task accepts only that. */
export async function answerAsTyped<Result>(
  answer: (given: unknown) => Promise<Result>,
  typed: unknown,
): Promise<Result> {
  try {
    return await answer(typed);
  } catch (error) {
    const parsed = typeof typed === 'string' ? parseJson(typed) : undefined;
    if (parsed === undefined) throw error;
    return answer(parsed.value);
  }
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
