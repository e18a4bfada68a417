import { RunnerError } from '@stratagem/core/runner';
import type { OpenAI } from 'openai';
import type { OpenAIRequestContext } from './context.js';
import { isOpenAI } from './sdk.js';

/** The names that servers have for the limit of the tokens of an answer. */
type LimitField = 'max_tokens' | 'max_completion_tokens';

/** For each client, the models whose server has refused the usual name. */
const SWITCHED = new WeakMap<object, Set<string>>();

/** OpenAI no longer accepts `max_tokens`; many compatible servers accept nothing else. */
export function limitFieldOf(client: OpenAI, model: string): LimitField {
  const isSwitched = SWITCHED.get(client)?.has(model) ?? false;
  return isOpenAI(client) === isSwitched ? 'max_tokens' : 'max_completion_tokens';
}

/** The words of servers that do not know a field, in one of its two names. */
const UNKNOWN_FIELD =
  /unsupported|not supported|unrecognized|unknown|unexpected|not permitted|extra (input|field)|not allowed|invalid (parameter|field)/i;
/** The words of servers for a limit that is too high. */
const TOO_HIGH = /too (large|high)|at most|less than|greater than|exceed|maximum/i;

/**
 * Takes the other name from now on, when the server does not know the one that it was sent.
 *
 * @throws what was thrown, when that is about something else.
 */
export async function switchLimitField(
  thrown: unknown,
  { client, model, options, emit }: OpenAIRequestContext,
): Promise<void> {
  const used = limitFieldOf(client, model);
  const models = SWITCHED.get(client) ?? new Set();
  const isRefusal =
    thrown instanceof RunnerError &&
    thrown.code === 'invalid_request' &&
    options.maxOutputTokens !== undefined &&
    new RegExp(`\\b${used}\\b`).test(thrown.message) &&
    UNKNOWN_FIELD.test(thrown.message) &&
    !TOO_HIGH.test(thrown.message);
  // With both names refused, the error says what is wrong.
  if (!isRefusal || models.has(model)) throw thrown;
  SWITCHED.set(client, models.add(model));
  const message = `the server does not know ${used}; asking with ${limitFieldOf(client, model)}`;
  await emit({ kind: 'notice', source: 'openai', message, code: 'invalid_request' });
}
