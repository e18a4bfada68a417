import type { Usage } from '../contract/usage.js';
import { definedFields } from './defined-fields.js';

/** What a server says that a request has used. */
export interface WireUsage {
  readonly usage?: Usage | undefined;
  /** The cost in US dollars, where the server states it. */
  readonly costUsd?: number | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the usage of an OpenAI-compatible server. Servers name cache hits in six ways, leave hidden
 * reasoning out of the output, and send null or -1 for a count that they do not have. Such a count is
 * left out; without those of input and output there is no usage.
 *
 * @param counts The `usage` of a response, or the joined ones of a stream; see {@link joinCounts}.
 */
export function readWireUsage(counts: unknown): WireUsage {
  const fields = fieldsOf(counts);
  const usage = usageIn(fields) ?? usageIn(renamed(fields));
  return definedFields({ usage, costUsd: costIn(fields) });
}

/** The names of Google for the counts. */
const GOOGLE: ReadonlyMap<string, string> = new Map([
  ['prompt_token_count', 'prompt_tokens'],
  ['candidates_token_count', 'completion_tokens'],
  ['total_token_count', 'total_tokens'],
  ['cached_content_token_count', 'cached_tokens'],
  ['thoughts_token_count', 'reasoning_tokens'],
]);

/** The counts under the usual names: some servers write them otherwise, or one level deeper. */
function renamed(fields: Fields): Fields {
  const all = { ...fields, ...fieldsOf(fields.billed_units), ...fieldsOf(fields.tokens) };
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => {
      const usual = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      return [GOOGLE.get(usual) ?? usual, value];
    }),
  );
}

function usageIn(fields: Fields): Usage | undefined {
  const total = countOf(fields.total_tokens);
  let input = firstCount([fields.prompt_tokens, fields.input_tokens]);
  let output = firstCount([fields.completion_tokens, fields.output_tokens]);
  input ??= differenceOf(total, output);
  output ??= differenceOf(total, input);
  if (input === undefined || output === undefined) return undefined;
  const inputDetails = fieldsOf(
    fields.prompt_tokens_details ?? fields.input_tokens_details ?? fields.prompt_token_details,
  );
  const outputDetails = fieldsOf(fields.completion_tokens_details ?? fields.output_tokens_details);
  const cached = firstCount([
    inputDetails.cached_tokens,
    fields.prompt_cache_hit_tokens,
    fields.cached_tokens,
    fields.cache_read_input_tokens,
    fields.num_cached_tokens,
  ]);
  const written = firstCount([
    inputDetails.cache_write_tokens,
    inputDetails.cache_creation_tokens,
    inputDetails.cache_creation_input_tokens,
    fields.cache_creation_input_tokens,
    fields.cache_write_tokens,
  ]);
  let reasoning = firstCount([outputDetails.reasoning_tokens, fields.reasoning_tokens]);
  const fromCache = (cached ?? 0) + (written ?? 0);
  const missing = differenceOf(total, input + output) ?? 0;
  if (fromCache > input || (missing > 0 && missing === fromCache && missing !== reasoning)) {
    // The input does not include the tokens of the cache.
    input += fromCache;
  } else if (missing > 0) {
    // The output does not include the reasoning.
    output += missing;
    reasoning = reasoning || missing;
  }
  if (reasoning !== undefined && reasoning > output) output += reasoning;
  return {
    inputTokens: input,
    outputTokens: output,
    ...definedFields({
      cachedInputTokens: cached,
      cacheWriteInputTokens: written || undefined,
      reasoningTokens: reasoning,
    }),
  };
}

/** One ten-billionth of a US dollar, the unit of xAI. */
const TICKS_PER_USD = 1e10;

function costIn(fields: Fields): number | undefined {
  const { cost, cost_details, cost_in_usd_ticks, estimated_cost, is_byok } = fields;
  const stated = countOf(cost) ?? countOf(fieldsOf(cost).total_cost) ?? countOf(estimated_cost);
  if (stated !== undefined) {
    // With a key of the user at OpenRouter, `cost` is only its fee.
    const upstream = is_byok === true ? fieldsOf(cost_details).upstream_inference_cost : 0;
    return stated + (countOf(upstream) ?? 0);
  }
  const ticks = countOf(cost_in_usd_ticks);
  return ticks === undefined ? undefined : ticks / TICKS_PER_USD;
}

/**
 * Joins the counts of a stream. The last one counts, as some servers send a running total with every
 * chunk; a 0 or null does not replace a count.
 */
export function joinCounts(before: unknown, next: unknown): unknown {
  if (!isFields(next)) return before ?? next;
  if (!isFields(before)) return next;
  const joined: Record<string, unknown> = { ...before };
  for (const [name, value] of Object.entries(next)) {
    const known = before[name];
    joined[name] =
      isFields(known) || isFields(value)
        ? joinCounts(known, value)
        : value === null || (typeof value === 'number' && !(value > 0))
          ? (known ?? value)
          : value;
  }
  return joined;
}

/** The first count that is not 0, or else 0, or else undefined. */
function firstCount(values: readonly unknown[]): number | undefined {
  let first: number | undefined;
  for (const value of values) {
    const count = countOf(value);
    if (count !== undefined && count > 0) return count;
    first ??= count;
  }
  return first;
}

/** A count or amount; undefined for null, negative and other odd values. */
export function countOf(value: unknown): number | undefined {
  const count = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof count === 'number' && Number.isFinite(count) && count >= 0 ? count : undefined;
}

function differenceOf(total: number | undefined, part: number | undefined): number | undefined {
  return total === undefined || part === undefined || total < part ? undefined : total - part;
}

function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}
