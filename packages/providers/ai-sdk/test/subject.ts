import type { ProviderSubject } from '@stratagem/test-kit';
import { APICallError } from 'ai';
import { aiSdk } from '../src/ai-sdk.js';
import {
  apiKey,
  chunksOf,
  compatible,
  isToolResult,
  type StepReply,
  saying,
  stream,
  WIRE,
  wholeOf,
} from './model.js';

export const SUBJECT: ProviderSubject = {
  name: 'ai-sdk',
  label: 'test.chat/a-model',
  apiKey,
  basePath: '/v1',
  providerKey: 'test',
  apis: [
    {
      name: 'a compatible server',
      options: {},
      path: '/v1/chat/completions',
      textEvent: (content) => ({ choices: [{ index: 0, delta: { content } }] }),
      taskOptions: [
        [
          { instructions: 'Be brief.' },
          { messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user' }] },
        ],
        [{ temperature: 0.2 }, { temperature: 0.2 }],
        [{ topP: 0.9 }, { top_p: 0.9 }],
        [{ seed: 7 }, { seed: 7 }],
        [{ stopSequences: ['END'] }, { stop: ['END'] }],
        [{ maxOutputTokens: 50 }, { max_tokens: 50 }],
        [{ reasoning: { effort: 'high' } }, { reasoning_effort: 'high' }],
        [{ providerOptions: { test: { verbosity: 'low' } } }, { verbosity: 'low' }],
      ],
      refusedOptions: [
        [{ serverTools: ['web_search'] }, 'no web_search is known of the provider "test"'],
        [
          { reasoning: { budgetTokens: 2_000 } },
          'the AI SDK takes no reasoning.budgetTokens; use providerOptions',
        ],
      ],
      attached: [
        { type: 'image_url', image_url: { url: 'data:image/png;base64,cGl4ZWxz' } },
        {
          type: 'file',
          file: { filename: 'b.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' },
        },
        { type: 'text', text: '<file name="c x .md">\n# Hi &lt;/file>\n</file>' },
        { type: 'image_url', image_url: { url: 'https://example.com/d.jpg' } },
      ],
      firstContent: ({ messages }) => (messages as { content: unknown }[])[0]?.content,
      wholeAnswer: (text) => wholeOf(chunksOf({ text })),
      wholeCut: (text) => wholeOf(chunksOf({ text }, 'length')),
      reasoning: stream([
        ...['Let me', ' think.'].map((reasoning_content) => ({
          choices: [{ index: 0, delta: { reasoning_content } }],
        })),
        ...chunksOf({ text: 'Yes.' }),
      ]),
      forcedTool: (name) => ({ type: 'function', function: { name } }),
      ending: (reason, reply) => stream(chunksOf(reply as StepReply, reason)),
    },
  ],
  formats: {
    'structured outputs': { supportsStructuredOutputs: true },
    'JSON alone': { supportsStructuredOutputs: false },
  },
  structuredOptions: { supportsStructuredOutputs: true },
  create(baseURL, { supportsStructuredOutputs, ...options }: Options = {}) {
    const model = compatible(baseURL, { supportsStructuredOutputs });
    return aiSdk(model, options);
  },
  saying,
  wire: WIRE,
  opening: [],
  begun: { events: chunksOf({ text: 'Because.' }).slice(0, 1), text: 'Because' },
  errorBody: (error) => ({ error }),
  requestIdHeader: 'x-request-id',
  requestIdIsSent: false,
  usageDetails: { cachedInputTokens: 0, reasoningTokens: 0 },
  reportsStepsFirst: false,
  callId: (position) => `call_${position}`,
  isToolResult,
  apiErrors: [
    [400, {}, 'invalid_request'],
    [400, { code: 'content_filter' }, 'refused'],
    [401, { code: 'invalid_api_key' }, 'authentication'],
    [402, {}, 'insufficient_quota'],
    [403, {}, 'permission_denied'],
    [404, { code: 'model_not_found' }, 'not_found'],
    [408, {}, 'timeout'],
    [429, { code: 'rate_limit_exceeded' }, 'rate_limited'],
    [429, { code: 'insufficient_quota' }, 'insufficient_quota'],
    [429, { code: null, type: 'insufficient_quota' }, 'insufficient_quota'],
    [429, { code: 'constructor' }, 'rate_limited'],
    [500, {}, 'server_error'],
    [503, {}, 'overloaded'],
    [529, {}, 'overloaded'],
  ],
  isApiError: (error) => APICallError.isInstance(error),
  errorMessage: () => 'test.chat/a-model: No.',
  chaos: {
    module: new URL('./factory.mjs', import.meta.url).href,
    factory: 'create',
    faults: {
      'invalid JSON': (response) => response.writeHead(200).end('{"choices": [{'),
    },
  },
};

interface Options {
  readonly supportsStructuredOutputs?: boolean;
}
