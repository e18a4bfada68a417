import type { LanguageModel } from 'ai';

type Model = Exclude<LanguageModel, string>;

/** The provider that the SDK finds models by id in, where a program has set one. */
interface Globals {
  readonly AI_SDK_DEFAULT_PROVIDER?: { languageModel(id: string): Model } | undefined;
}

/** The same model, which is asked for its whole answer at once; the SDK reads it as a stream. */
export async function answeringWhole(model: LanguageModel): Promise<Model> {
  const { gateway, simulateStreamingMiddleware, wrapLanguageModel } = await import('ai');
  const { AI_SDK_DEFAULT_PROVIDER: provider = gateway } = globalThis as Globals;
  return wrapLanguageModel({
    model: (typeof model === 'string' ? provider.languageModel(model) : model) as never,
    middleware: simulateStreamingMiddleware(),
  });
}
