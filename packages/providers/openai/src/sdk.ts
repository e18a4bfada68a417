import { codeOfApiError, environmentOf, missingApiKey, type Sdk } from '@stratagem/core/runner';
import type { OpenAI } from 'openai';

export const OPENAI: Sdk<OpenAI> = {
  name: 'openai',
  packageName: 'openai',
  environment: 'OPENAI',
  async createClient(settings) {
    const { OpenAI } = await import('openai');
    return new OpenAI(settings);
  },
  // The SDK would accept an admin key instead, and does not name the usual variable.
  requireCredentials({ apiKey }) {
    if (apiKey !== undefined || environmentOf(OPENAI, 'API_KEY') !== undefined) return;
    throw missingApiKey(OPENAI, ' A server without keys accepts any value.');
  },
  credentialsOf: ({ apiKey, adminAPIKey }) => [apiKey, adminAPIKey],
  codeOf: codeOfError,
  errorBodyOf: ({ error }) => (typeof error === 'string' ? { message: error } : Object(error)),
};

/** The code of an error of the API, from a response, a stream or a batch. */
export function codeOfError({
  code,
  type,
  status,
}: {
  readonly code?: unknown | undefined;
  readonly type?: unknown | undefined;
  readonly status?: number | undefined;
}) {
  // Compatible servers put the status into the code of an error within a stream.
  return codeOfApiError([code, type], status ?? (Number(code) || undefined)) ?? 'server_error';
}

/** Whether this is OpenAI itself, or its models on Azure, rather than a compatible server. */
export function isOpenAI({ baseURL }: Pick<OpenAI, 'baseURL'>): boolean {
  return /(^|\.)openai\.(com|azure\.com)$/.test(new URL(baseURL).hostname);
}
