import type { Anthropic, ClientOptions } from '@anthropic-ai/sdk';
import {
  environmentOf,
  errorIn,
  missingApiKey,
  parseErrorEvent,
  parseEvent,
  type Sdk,
} from '@stratagem/core/runner';

/** The settings of a base URL. The SDK would put the path of a request behind the query. */
function addressIn(baseURL: string | undefined): ClientOptions {
  if (baseURL === undefined || !URL.canParse(baseURL)) return { baseURL };
  const url = new URL(baseURL);
  if (url.search === '') return { baseURL };
  const defaultQuery = Object.fromEntries(url.searchParams);
  url.search = '';
  return { baseURL: url.href, defaultQuery };
}

export const ANTHROPIC: Sdk<Anthropic> = {
  name: 'anthropic',
  packageName: '@anthropic-ai/sdk',
  environment: 'ANTHROPIC',
  async createClient({ baseURL, ...settings }) {
    const { Anthropic } = await import('@anthropic-ai/sdk');
    // A key of its own is for its server; the token of the environment may be for another one.
    const isOwn = settings.apiKey !== undefined;
    const address = addressIn(baseURL ?? environmentOf(ANTHROPIC, 'BASE_URL'));
    return new Anthropic({ ...settings, ...address, ...(isOwn && { authToken: null }) });
  },
  problemOfPath(path) {
    const [end] = /\/v1(\/messages)?$/.exec(path) ?? [];
    return end && `must end before ${end}`;
  },
  // The SDK looks for credentials in profiles and variables; building a request awaits that.
  async requireReady(client) {
    try {
      await client.buildRequest({ method: 'get', path: '/v1/models' });
    } catch (thrown) {
      throw ANTHROPIC.unsentError?.(thrown, client) ?? thrown;
    }
  },
  // `Stream` of the SDK drops events without a name, and fails on what is not JSON.
  readEvent({ name, data }, fail) {
    if (name === 'error') throw fail(parseErrorEvent(data));
    // Every event of an answer is an object. Gateways add others, such as `[DONE]`.
    if (!data.startsWith('{')) return undefined;
    const event = parseEvent(data) as { readonly type?: unknown };
    if (event.type === 'error') throw fail(event);
    if (event.type !== undefined) return event;
    // Gateways write errors of other APIs, and say the type of an event in its name alone.
    if (errorIn(event) !== undefined) throw fail(event);
    return { ...event, type: name };
  },
  credentialsOf: ({ apiKey, authToken }) => [apiKey, authToken],
  errorBodyOf: (body) => body,
  // Only a failed request shows this: until then the SDK may look for credentials in the profiles
  // of its command line tool.
  unsentError(thrown, client) {
    const { apiKey, authToken, credentials } = client;
    const known = [apiKey, authToken, credentials].some((credential) => credential != null);
    if (known) return undefined;
    const { AnthropicError } = client.constructor as typeof Anthropic;
    // An error of the SDK names the profile that is wrong; any other one says nothing new.
    return missingApiKey(ANTHROPIC, '', thrown instanceof AnthropicError ? thrown : undefined);
  },
};
