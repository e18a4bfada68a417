/** Options by the name of the provider, in the words of its API: `{ openai: { verbosity: 'low' } }`. */
export type ProviderOptions = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
