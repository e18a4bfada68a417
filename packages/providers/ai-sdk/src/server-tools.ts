import type { ServerToolType, WebSearch } from '@stratagem/core';
import { isRecord, RunnerError, type ServerToolOptions } from '@stratagem/core/runner';
import type { LanguageModel, ToolSet } from 'ai';
import { labelOf } from './options.js';

/** A tool of a provider, as its package in the AI SDK knows it. */
interface ProviderTool {
  /** `openai.web_search` */
  readonly id: `${string}.${string}`;
  /** The options of a search that it takes. */
  readonly takes: readonly (keyof WebSearch)[];
  args?(tool: WebSearch): object;
}

type Tools = Readonly<Partial<Record<ServerToolType, ProviderTool>>>;

const LOCATED = (tool: WebSearch) =>
  tool.userLocation && { userLocation: { type: 'approximate', ...tool.userLocation } };

const OPENAI: Tools = {
  web_search: {
    id: 'openai.web_search',
    takes: ['allowedDomains', 'blockedDomains', 'userLocation'],
    args: ({ allowedDomains, blockedDomains, ...tool }) => ({
      ...((allowedDomains ?? blockedDomains) && { filters: { allowedDomains, blockedDomains } }),
      ...LOCATED(tool),
    }),
  },
  code_execution: { id: 'openai.code_interpreter', takes: [] },
};

/** By the name of the provider, with which the `provider` of a model begins. */
const PROVIDERS: Readonly<Record<string, Tools>> = {
  openai: OPENAI,
  azure: OPENAI,
  anthropic: {
    web_search: {
      id: 'anthropic.web_search_20250305',
      takes: ['maxUses', 'allowedDomains', 'blockedDomains', 'userLocation'],
      args: ({ maxUses, allowedDomains, blockedDomains, ...tool }) => ({
        ...{ maxUses, allowedDomains, blockedDomains },
        ...LOCATED(tool),
      }),
    },
    code_execution: { id: 'anthropic.code_execution_20250825', takes: [] },
  },
  google: {
    web_search: { id: 'google.google_search', takes: [] },
    code_execution: { id: 'google.code_execution', takes: [] },
  },
  xai: {
    web_search: {
      id: 'xai.web_search',
      takes: ['allowedDomains', 'blockedDomains'],
      args: ({ allowedDomains, blockedDomains: excludedDomains }) => ({
        ...{ allowedDomains, excludedDomains },
      }),
    },
    code_execution: { id: 'xai.code_execution', takes: [] },
  },
  groq: { web_search: { id: 'groq.browser_search', takes: [] } },
};

/**
 * Tools that the provider runs, in the form of the SDK. The package of the provider finds its own tool by
 * the id.
 *
 * @throws {RunnerError} `invalid_request` when the provider has no such tool, or an option has no effect.
 */
export async function serverToolSetOf(
  serverTools: readonly ServerToolOptions[],
  model: LanguageModel,
): Promise<ToolSet> {
  const { jsonSchema } = await import('ai');
  const inputSchema = jsonSchema({});
  return Object.fromEntries(
    serverTools.map((tool) => {
      const { id, args } = providerTool(tool, model);
      const traits = { isProviderExecuted: true, supportsDeferredResults: true } as const;
      return [tool.type, { type: 'provider', id, args, inputSchema, ...traits }];
    }),
  ) as ToolSet;
}

function providerTool(tool: ServerToolOptions, model: LanguageModel) {
  const [provider = ''] = (typeof model === 'string' ? model : model.provider).split(/[./]/);
  const known = PROVIDERS[provider]?.[tool.type];
  const refuse = (problem: string) =>
    new RunnerError('invalid_request', `${labelOf(model)}: ${problem}`);
  if (known === undefined) {
    const names = Object.keys(PROVIDERS).filter((name) => PROVIDERS[name]?.[tool.type]);
    const remedy = `use a model of ${names.join(', ')}, or a tool of the task`;
    throw refuse(`no ${tool.type} is known of the provider "${provider}"; ${remedy}`);
  }
  const { type: _, providerOptions, ...options } = tool as WebSearch;
  const given = Object.keys(options) as (keyof typeof options)[];
  const unknown = given.find((name) => options[name] !== undefined && !known.takes.includes(name));
  if (unknown !== undefined) {
    throw refuse(`${known.id} takes no ${unknown}; remove it, or use providerOptions`);
  }
  // The packages drop fields in the words of the API, as they have names of their own.
  const { type, ...own } = camelized(providerOptions?.[provider] ?? {}) as { type?: string };
  return {
    id: type === undefined ? known.id : `${provider}.${type}`,
    args: { ...known.args?.(tool as WebSearch), ...own },
  };
}

/** `search_context_size` becomes `searchContextSize`, as the packages of the AI SDK have it. */
function camelized(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelized);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      camelized(field),
    ]),
  );
}
