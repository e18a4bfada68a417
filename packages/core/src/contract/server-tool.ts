import { isRecord } from '../util/record.js';
import type { ProviderOptions } from './provider-options.js';

/** A tool that the provider of a model runs itself. */
export type ServerToolType = 'web_search' | 'code_execution';

/** Where searches are made from, roughly. */
export interface UserLocation {
  readonly city?: string | undefined;
  readonly region?: string | undefined;
  /** The country by its code of two letters: `'PT'`. */
  readonly country?: string | undefined;
  /** The time zone by its IANA name: `'Europe/Lisbon'`. */
  readonly timezone?: string | undefined;
}

/** Searches of the web by the provider. */
export interface WebSearch {
  readonly type: 'web_search';
  /** Maximum searches for one request: an integer ≥ 1. */
  readonly maxUses?: number | undefined;
  /** Search these domains alone: `['example.com']`. Not together with `blockedDomains`. */
  readonly allowedDomains?: readonly string[] | undefined;
  readonly blockedDomains?: readonly string[] | undefined;
  readonly userLocation?: UserLocation | undefined;
  /** Fields of the tool in the words of a provider, by its name: `{ openai: { search_context_size: 'low' } }`. */
  readonly providerOptions?: ProviderOptions | undefined;
}

/** Code that the model writes, and the provider runs in a container of its own. */
export interface CodeExecution {
  readonly type: 'code_execution';
  /** Fields of the tool in the words of a provider, by its name. */
  readonly providerOptions?: ProviderOptions | undefined;
}

/** A tool that the provider runs: its type, or an object with its options. */
export type ServerTool = ServerToolType | WebSearch | CodeExecution;

export const SERVER_TOOL_TYPES = [
  'web_search',
  'code_execution',
] as const satisfies readonly ServerToolType[];

const isText = (value: unknown) => typeof value === 'string' && value.trim() !== '';
const areTexts = (value: unknown) =>
  Array.isArray(value) && value.length > 0 && Array.from(value).every(isText);

type Check = (value: unknown) => boolean;

const PLACES: readonly string[] = ['city', 'region', 'country', 'timezone'];
const hasOwnOptions: Check = (value) =>
  isRecord(value) && Object.values(value).every((fields) => isRecord(fields));
const SEARCH: Readonly<Record<Exclude<keyof WebSearch, 'type'>, Check>> = {
  maxUses: (value) => Number.isInteger(value) && Number(value) > 0,
  allowedDomains: areTexts,
  blockedDomains: areTexts,
  userLocation: (value) =>
    isRecord(value) &&
    Object.entries(value).every(([name, text]) => PLACES.includes(name) && isText(text)),
  providerOptions: hasOwnOptions,
};
const FIELDS: Readonly<Record<ServerToolType, Readonly<Record<string, Check>>>> = {
  web_search: SEARCH,
  code_execution: { providerOptions: hasOwnOptions },
};

/** Whether a value is a list of server tools, each type once. */
export function areServerTools(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0) return false;
  const types = Array.from(value, (each) => (isRecord(each) ? each.type : each));
  return new Set(types).size === types.length && Array.from(value).every(isServerTool);
}

function isServerTool(value: unknown): boolean {
  if (!isRecord(value)) return SERVER_TOOL_TYPES.includes(value as ServerToolType);
  const { type, ...options } = value;
  if (!SERVER_TOOL_TYPES.includes(type as ServerToolType)) return false;
  if (options.allowedDomains !== undefined && options.blockedDomains !== undefined) return false;
  const checks = FIELDS[type as ServerToolType];
  return Object.entries(options).every(
    ([name, option]) =>
      Object.hasOwn(checks, name) && (option === undefined || checks[name]?.(option)),
  );
}
