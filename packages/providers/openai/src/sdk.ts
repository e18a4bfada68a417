import { environmentOf, missingApiKey, type Sdk } from '@stratagem/core/runner';
import type { OpenAI } from 'openai';
import { ignoreHeartbeats } from './heartbeats.js';

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
  async streamOf<Event>(response: Response) {
    const { Stream } = await import('openai/streaming');
    return Stream.fromSSEResponse<Event>(response, new AbortController());
  },
  prepareStream: ignoreHeartbeats,
  credentialsOf: ({ apiKey, adminAPIKey }) => [apiKey, adminAPIKey],
  errorBodyOf: ({ error }) => (typeof error === 'string' ? { message: error } : Object(error)),
};

/** Whether this is OpenAI itself, or its models on Azure, rather than a compatible server. */
export function isOpenAI({ baseURL }: Pick<OpenAI, 'baseURL'>): boolean {
  return /(^|\.)openai\.(com|azure\.com)$/.test(new URL(baseURL).hostname);
}
