import type { AttemptErrorCode, RunnerError } from '@stratagem/core';
import { codeOfStatus, fromSdkError } from '@stratagem/core/provider';
import type { APIError, OpenAI } from 'openai';
import { secretsOf } from './client.js';
import type { OpenAIOptions } from './options.js';

/** OpenAI's own codes and types, where they say more than the status or come without one. */
const CODES: ReadonlyMap<unknown, AttemptErrorCode> = new Map([
  ['insufficient_quota', 'insufficient_quota'],
  ['billing_hard_limit_reached', 'insufficient_quota'],
  ['billing_not_active', 'insufficient_quota'],
  ['invalid_api_key', 'authentication'],
  ['model_not_found', 'not_found'],
  ['rate_limit_exceeded', 'rate_limited'],
  ['invalid_prompt', 'invalid_request'],
  ['context_length_exceeded', 'invalid_request'],
  ['content_filter', 'refused'],
  ['content_policy_violation', 'refused'],
  ['bio_policy', 'refused'],
  ['misalignment_policy_violation', 'refused'],
]);

/** Whom was asked, and how. */
interface Asked {
  readonly client: OpenAI;
  readonly model: string;
  readonly options: OpenAIOptions;
}

/** How far a request had come. */
interface Progress {
  readonly requestId: string | undefined;
  /** Whether the answer had begun. */
  readonly answering: boolean;
}

/** Says in our words why a request failed. */
export function toRunnerError(
  thrown: unknown,
  { client, model, options }: Asked,
  progress: Progress,
): RunnerError {
  const place = placeOf(client);
  return fromSdkError<APIError>(thrown, {
    ...progress,
    label: `openai/${model}`,
    model,
    place,
    // The classes of this very client: another copy of the package has classes of its own.
    classes: client.constructor as typeof OpenAI,
    secrets: secretsOf(client),
    codeOf: codeOfError,
    adviceOn(code) {
      if (code === 'not_found') return ` (is there a model "${model}" at ${place}?)`;
      if (code !== 'authentication') return '';
      return options.client !== undefined || options.apiKey !== undefined
        ? ' (check the API key)'
        : ' (check the environment variable OPENAI_API_KEY)';
    },
  });
}

/** What an error of the API is in our words. */
export function codeOfError({
  code,
  type,
  status,
}: Pick<APIError, 'code' | 'type' | 'status'>): AttemptErrorCode {
  const known = CODES.get(code) ?? CODES.get(type);
  if (known !== undefined) return known;
  // Compatible servers put the status into the code of an error that comes within the stream.
  return codeOfStatus(status ?? (Number(code) || 500));
}

function placeOf({ baseURL }: OpenAI): string {
  const { origin, pathname } = new URL(baseURL);
  return origin + pathname;
}
