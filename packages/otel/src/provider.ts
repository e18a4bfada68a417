/** Servers whose provider the conventions name. */
const PROVIDERS: readonly (readonly [RegExp, string])[] = [
  [/(^|\.)openai\.azure\.com$/, 'azure.ai.openai'],
  [/(^|\.)openai\.com$/, 'openai'],
  [/(^|\.)anthropic\.com$/, 'anthropic'],
  [/^generativelanguage\.googleapis\.com$/, 'gcp.gemini'],
  [/aiplatform\.googleapis\.com$/, 'gcp.vertex_ai'],
  [/^bedrock.*\.amazonaws\.com$/, 'aws.bedrock'],
  [/(^|\.)deepseek\.com$/, 'deepseek'],
  [/(^|\.)groq\.com$/, 'groq'],
  [/(^|\.)mistral\.ai$/, 'mistral_ai'],
  [/(^|\.)moonshot\.(ai|cn)$/, 'moonshot_ai'],
  [/(^|\.)perplexity\.ai$/, 'perplexity'],
  [/(^|\.)cohere\.(ai|com)$/, 'cohere'],
  [/(^|\.)x\.ai$/, 'x_ai'],
];

export interface Server {
  readonly address: string;
  readonly port: number;
}

/** Host and port of an address; undefined when it is none. Nothing else of it, as it may have a key. */
export function serverOf(baseURL: string | undefined): Server | undefined {
  if (baseURL === undefined || !URL.canParse(baseURL)) return undefined;
  const { hostname, port, protocol } = new URL(baseURL);
  if (hostname === '') return undefined;
  return {
    address: hostname,
    port: port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port),
  };
}

/** The provider by the host that answers, or else by the client that asks. */
export function providerOf(client: string, server: Server | undefined): string {
  if (server === undefined) return client;
  return PROVIDERS.find(([host]) => host.test(server.address))?.[1] ?? client;
}
