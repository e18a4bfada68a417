import {
  definedFields,
  END_OF_STREAM,
  environmentOf,
  errorIn,
  isRecord,
  missingApiKey,
  parseErrorEvent,
  parseEvent,
  RunnerError,
  type Sdk,
} from '@stratagem/core/runner';
import type { OpenAI } from 'openai';
import { addressIn, azureAddressOf, azureKey } from './azure.js';
import type { OpenAIOptions } from './options.js';
import { templatedClient } from './templated-client.js';

export const OPENAI: Sdk<OpenAI> = {
  name: 'openai',
  packageName: 'openai',
  environment: 'OPENAI',
  async createClient(settings, options) {
    const { organization, project, azure } = options as OpenAIOptions;
    const { OpenAI, AzureOpenAI } = await import('openai');
    const account = definedFields({ organization, project });
    const Client = templatedClient(OpenAI, settings.fetch);
    if (azure === undefined) return new Client({ ...settings, ...account });
    const { baseURL, apiVersion, namesDeployment } = azureAddressOf(azure);
    const { tokenProvider } = azure;
    const key = tokenProvider === undefined ? (settings.apiKey ?? azureKey()) : undefined;
    const own = { ...settings, ...account, baseURL };
    if (namesDeployment) {
      const token = definedFields({ azureADTokenProvider: tokenProvider });
      // Some versions of the API have a date, but all need one here.
      return new AzureOpenAI({
        ...own,
        ...token,
        apiKey: key as string,
        apiVersion: apiVersion ?? 'preview',
      });
    }
    const client = new (tokenProvider === undefined ? Client : OpenAI)({
      ...own,
      apiKey: tokenProvider ?? key ?? null,
      ...(key !== undefined && { defaultHeaders: { 'api-key': key } }),
      ...(apiVersion !== undefined && { defaultQuery: { 'api-version': apiVersion } }),
    });
    ON_AZURE.add(client);
    return client;
  },
  addressOf: ({ azure }: OpenAIOptions) => azure && addressIn(azure)?.baseURL,
  problemOfPath(path) {
    if (path === '/') return 'has no version, such as /v1';
    const [end] = /\/(chat\/completions|responses)$/.exec(path) ?? [];
    return end && `must end before ${end}`;
  },
  // The SDK would accept an admin key instead, and does not name the usual variable.
  requireCredentials({ apiKey, azure }: OpenAIOptions) {
    if (azure !== undefined) {
      if ((apiKey ?? azure.tokenProvider ?? azureKey()) !== undefined) return;
      const message =
        'openai() has no key for Azure: set the environment variable AZURE_OPENAI_API_KEY, or pass ' +
        'openai({ apiKey }) or openai({ azure: { tokenProvider } })';
      throw new RunnerError('missing_api_key', message);
    }
    if (apiKey !== undefined || environmentOf(OPENAI, 'API_KEY') !== undefined) return;
    throw missingApiKey(OPENAI, ' A server without keys accepts any value.');
  },
  // As `Stream` of the SDK does it, except that it fails on heartbeats.
  readEvent({ name, data }, fail) {
    const json = data.trim();
    if (json === '' || json === 'null') return undefined;
    if (json === '[DONE]') return END_OF_STREAM;
    const value = name === 'error' ? parseErrorEvent(json) : parseEvent(json);
    const error = errorIn(value);
    if (error !== undefined) throw fail(error);
    if (name === 'error') throw fail(value);
    // Some servers say the type of an event in its name alone.
    if (name?.startsWith('response.') && isRecord(value)) return { type: name, ...value };
    return value;
  },
  credentialsOf: ({ apiKey, adminAPIKey }) => [apiKey, adminAPIKey],
  errorBodyOf: ({ error }) => (typeof error === 'string' ? { message: error } : Object(error)),
};

/** Clients of resources on Azure, whatever their address. */
const ON_AZURE = new WeakSet<object>();

const HOSTS = /(^|\.)(openai\.com|(openai|cognitiveservices|services\.ai)\.azure\.(com|us|cn))$/;

/** Whether this is OpenAI itself, or its models on Azure, rather than a compatible server. */
export function isOpenAI(client: Pick<OpenAI, 'baseURL'>): boolean {
  // A client for the dated versions of Azure's API.
  if (ON_AZURE.has(client) || 'deploymentName' in client) return true;
  return isHostOfOpenAI(client.baseURL);
}

/** The last address, as a request asks three times for the one of its client. */
let last = { baseURL: '', isOurs: false };

function isHostOfOpenAI(baseURL: string): boolean {
  if (last.baseURL !== baseURL) {
    last = { baseURL, isOurs: HOSTS.test(new URL(baseURL).hostname) };
  }
  return last.isOurs;
}
