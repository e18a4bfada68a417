import {
  checkChoice,
  checkFlag,
  checkNoUser,
  checkOptions,
  checkProvider,
  isHttpUrl,
  OptionError,
  type SdkOptions,
} from '@stratagem/core/runner';
import type { OpenAI } from 'openai';
import { checkServerTools } from './server-tools.js';

const APIS = ['responses', 'chat'] as const;
const STRUCTURED_OUTPUTS = ['json_schema', 'json_object', 'prompt'] as const;

export interface OpenAIOptions extends SdkOptions<OpenAI> {
  /**
   * The model that answers.
   * @default 'gpt-6.1-sol'
   */
  readonly model?: string | undefined;
  /**
   * The API key. Never part of an event, an error or a report.
   * @default the environment variable OPENAI_API_KEY
   */
  readonly apiKey?: string | undefined;
  /**
   * Base URL of the API, with its version: `http://127.0.0.1:11434/v1`.
   * @default the environment variable OPENAI_BASE_URL, or OpenAI's own
   */
  readonly baseURL?: string | undefined;
  /**
   * The Responses API (`'responses'`) or Chat Completions (`'chat'`), which every compatible server
   * has.
   * @default 'responses' on OpenAI and Azure OpenAI, 'chat' on any other server
   */
  readonly api?: (typeof APIS)[number] | undefined;
  /**
   * How an answer is held to a task's schema. `'json_schema'`: the server enforces the schema.
   * `'json_object'`: the server enforces JSON, and the prompt describes the schema. `'prompt'`: only
   * the prompt describes it. In all cases an answer that does not fit is sent back once, with the
   * reason.
   * @default 'json_schema' on OpenAI and Azure OpenAI, 'prompt' on any other server
   */
  readonly structuredOutput?: (typeof STRUCTURED_OUTPUTS)[number] | undefined;
  /**
   * The organisation that pays, by its id.
   * @default the environment variable OPENAI_ORG_ID
   */
  readonly organization?: string | undefined;
  /**
   * The project that pays, by its id.
   * @default the environment variable OPENAI_PROJECT_ID
   */
  readonly project?: string | undefined;
  /** The models of a resource on Azure. The `model` is the name of a deployment there. */
  readonly azure?: AzureOptions | undefined;
}

/** A resource on Azure, and how it is reached. Its key is `apiKey`, or AZURE_OPENAI_API_KEY. */
export interface AzureOptions {
  /** The name in `https://NAME.openai.azure.com`. */
  readonly resourceName?: string | undefined;
  /**
   * The address of the resource, instead of its name.
   * @default the environment variable AZURE_OPENAI_ENDPOINT
   */
  readonly endpoint?: string | undefined;
  /**
   * The version of the API: `'v1'`, or a date, such as `'2025-04-01-preview'`.
   * @default the environment variable OPENAI_API_VERSION, or 'v1'
   */
  readonly apiVersion?: string | undefined;
  /**
   * Whether the path of a request names the deployment, as older versions of the API need.
   * @default true for a dated version without `/v1`
   */
  readonly useDeploymentBasedUrls?: boolean | undefined;
  /** Gives a token of Microsoft Entra for each request, instead of a key. */
  readonly tokenProvider?: (() => Promise<string>) | undefined;
}

/** A record, so that the compiler finds a missing name. */
const NAMES: Readonly<Record<keyof OpenAIOptions, true>> = {
  model: true,
  apiKey: true,
  baseURL: true,
  api: true,
  structuredOutput: true,
  organization: true,
  project: true,
  azure: true,
  instructions: true,
  temperature: true,
  topP: true,
  seed: true,
  stopSequences: true,
  maxOutputTokens: true,
  toolChoice: true,
  serverTools: true,
  headers: true,
  providerOptions: true,
  reasoning: true,
  stream: true,
  serviceTier: true,
  store: true,
  promptCacheKey: true,
  promptCacheTtl: true,
  maxSteps: true,
  toolCallConcurrency: true,
  timeoutMs: true,
  client: true,
};

export const OPENAI_OPTIONS = Object.keys(NAMES);

/** Options that the Responses API does not have. */
export const NOT_IN_RESPONSES = ['seed', 'stopSequences'] as const;

/** The options that a task may set. */
export const OPENAI_TASK_OPTIONS = [
  'model',
  'instructions',
  'temperature',
  'topP',
  'seed',
  'stopSequences',
  'maxOutputTokens',
  'toolChoice',
  'serverTools',
  'headers',
  'reasoning',
  'stream',
  'serviceTier',
  'store',
  'promptCacheKey',
  'promptCacheTtl',
] as const satisfies readonly (keyof OpenAIOptions)[];

/** @throws {OptionError} when an option that only this provider has is out of range. */
export function checkOpenAIOptions(owner: string, options: OpenAIOptions): void {
  const { api, structuredOutput, temperature, providerOptions } = options;
  checkChoice(owner, 'api', api, APIS);
  checkChoice(owner, 'structuredOutput', structuredOutput, STRUCTURED_OUTPUTS);
  if (temperature !== undefined && !(temperature >= 0 && temperature <= 2)) {
    throw new OptionError(
      `${owner}: temperature must be a number from 0 to 2; it is ${String(temperature)}`,
    );
  }
  checkProvider(owner, 'openai', providerOptions);
  checkServerTools(owner, options);
  checkAccount(owner, options);
  if (api !== 'responses') return;
  const unsupported = NOT_IN_RESPONSES.find((name) => options[name] !== undefined);
  if (unsupported === undefined) return;
  throw new OptionError(`${owner}: ${unsupported} needs api: 'chat'; the Responses API has none`);
}

const AZURE_OPTIONS: readonly (keyof AzureOptions)[] = [
  ...(['resourceName', 'endpoint', 'apiVersion', 'useDeploymentBasedUrls'] as const),
  'tokenProvider',
];

/** @throws {OptionError} when an option about who is asked, and who pays, is out of range. */
function checkAccount(owner: string, options: OpenAIOptions): void {
  const { organization, project, azure, client, baseURL } = options;
  const refuse = (message: string) => new OptionError(`${owner}: ${message}`);
  for (const [name, value] of Object.entries({ organization, project })) {
    if (value === undefined) continue;
    if (typeof value !== 'string' || value.trim() === '') {
      throw refuse(`${name} must be a non-empty string`);
    }
    if (client !== undefined) throw refuse(`give ${name} to the client, or leave out client`);
  }
  if (azure === undefined) return;
  checkOptions(`${owner}: azure`, azure, AZURE_OPTIONS);
  if (client !== undefined || baseURL !== undefined) {
    const other = client === undefined ? 'baseURL' : 'client';
    throw refuse(`azure and ${other} cannot be combined: give the endpoint in azure`);
  }
  const { resourceName, endpoint, apiVersion, tokenProvider, useDeploymentBasedUrls } = azure;
  if (resourceName !== undefined && !/^[a-z0-9-]+$/i.test(resourceName)) {
    throw refuse('azure.resourceName must be the name of a resource: letters, digits and -');
  }
  if (endpoint !== undefined && !isHttpUrl(endpoint)) {
    throw refuse('azure.endpoint must be a URL that begins with http:// or https://');
  }
  if (endpoint !== undefined) checkNoUser(owner, 'azure.endpoint', endpoint);
  if (resourceName !== undefined && endpoint !== undefined) {
    throw refuse('azure takes a resourceName or an endpoint, not both');
  }
  if (apiVersion !== undefined && !/^[\w-]+$/.test(apiVersion)) {
    throw refuse("azure.apiVersion must be 'v1' or a date, such as '2025-04-01-preview'");
  }
  if (useDeploymentBasedUrls !== undefined) {
    checkFlag(`${owner}: azure`, 'useDeploymentBasedUrls', useDeploymentBasedUrls);
  }
  if (tokenProvider === undefined) return;
  if (typeof tokenProvider !== 'function') throw refuse('azure.tokenProvider must be a function');
  if (options.apiKey !== undefined) {
    throw refuse('apiKey and azure.tokenProvider cannot be combined: remove one');
  }
}
