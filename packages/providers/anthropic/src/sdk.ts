import type { Anthropic } from '@anthropic-ai/sdk';
import { codeOfApiError, missingApiKey, type Sdk } from '@stratagem/core/runner';

export const ANTHROPIC: Sdk<Anthropic> = {
  name: 'anthropic',
  packageName: '@anthropic-ai/sdk',
  environment: 'ANTHROPIC',
  async createClient(settings) {
    const { Anthropic } = await import('@anthropic-ai/sdk');
    return new Anthropic(settings);
  },
  credentialsOf: ({ apiKey, authToken }) => [apiKey, authToken],
  codeOf: ({ error, status }) => codeOfBody(Object(error), status),
  // The SDK's own message is the whole body, as JSON.
  messageOf({ error, status, message }) {
    const text = (Object(error) as ErrorBody).error?.message;
    if (text === undefined) return message;
    return status === undefined ? text : `${status} ${text}`;
  },
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

/** An error of the API: the body of a response, an event in a stream, or a result of a batch. */
export interface ErrorBody {
  readonly error?: {
    readonly type?: string | undefined;
    readonly message?: string | undefined;
    readonly details?: { readonly error_code?: string } | null | undefined;
  };
}

export function codeOfBody({ error }: ErrorBody, status?: number) {
  const codes = [error?.details?.error_code, error?.type];
  return codeOfApiError(codes, status) ?? 'server_error';
}
