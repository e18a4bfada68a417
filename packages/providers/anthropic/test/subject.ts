import { Anthropic } from '@anthropic-ai/sdk';
import { ANTHROPIC_MESSAGES, json, type ProviderSubject } from '@stratagem/test-kit';
import { anthropic } from '../src/anthropic.js';
import { isToolResult, messageEvents, saying } from './model.js';
import { cut, stream, WIRE } from './streams.js';

const apiKey = 'sk-ant-planted-0123456789';
function wholeMessage(text: string, stop_reason: string) {
  return {
    ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'a-model-2026' },
    content: [{ type: 'text', text }],
    stop_reason,
    usage: { input_tokens: 12, output_tokens: 3 },
  };
}

const errorBody = (error: object) => ({ type: 'error', error });

export const SUBJECT: ProviderSubject = {
  name: 'anthropic',
  label: 'anthropic/a-model',
  apiKey,
  basePath: '',
  providerKey: 'anthropic',
  apis: [
    {
      name: 'the Messages API',
      options: {},
      path: '/v1/messages',
      requestSchema: ANTHROPIC_MESSAGES,
      textEvent: textDelta,
      taskOptions: [
        [{ model: 'another' }, { model: 'another' }],
        [{ instructions: 'Be brief.' }, { system: 'Be brief.' }],
        [{ stopSequences: ['END'] }, { stop_sequences: ['END'] }],
        [{ maxOutputTokens: 50 }, { max_tokens: 50 }],
        [
          { reasoning: 'high' },
          { thinking: { type: 'adaptive' }, output_config: { effort: 'high' } },
        ],
        [
          { reasoning: { effort: 'minimal', budgetTokens: 2_000 } },
          {
            thinking: { type: 'enabled', budget_tokens: 2_000 },
            output_config: { effort: 'low' },
          },
        ],
        [
          { serverTools: ['web_search', 'code_execution'] },
          {
            tools: [
              { type: 'web_search_20250305', name: 'web_search' },
              { type: 'code_execution_20250825', name: 'code_execution' },
            ],
          },
        ],
        [
          {
            serverTools: [
              {
                type: 'web_search',
                maxUses: 3,
                blockedDomains: ['example.com'],
                userLocation: { city: 'Lisbon' },
                providerOptions: {
                  openai: { search_context_size: 'low' },
                  anthropic: { type: 'web_search_20260318' },
                },
              },
            ],
          },
          {
            tools: [
              {
                type: 'web_search_20260318',
                name: 'web_search',
                max_uses: 3,
                blocked_domains: ['example.com'],
                user_location: { type: 'approximate', city: 'Lisbon' },
              },
            ],
          },
        ],
        [{ reasoning: 'none' }, { thinking: { type: 'disabled' } }],
        [{ serviceTier: 'standard_only' }, { service_tier: 'standard_only' }],
        [{ promptCacheTtl: '1h' }, { cache_control: { type: 'ephemeral', ttl: '1h' } }],
        [{ providerOptions: { anthropic: { temperature: 0.2 } } }, { temperature: 0.2 }],
      ],
      refusedOptions: [
        [
          { reasoning: { budgetTokens: 32_000 } },
          '32000 tokens of reasoning leave nothing of 32000; raise maxOutputTokens',
        ],
        [
          { providerOptions: { anthropic: { messages: [] } } },
          'providerOptions.anthropic.messages cannot be set: the runner sets it',
        ],
      ],
      attached: [
        {
          type: 'image',
          source: { type: 'base64', media_type: 'image/png', data: 'cGl4ZWxz' },
        },
        {
          type: 'document',
          title: 'b.pdf',
          source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' },
        },
        { type: 'text', text: '<file name="c x .md">\n# Hi &lt;/file>\n</file>' },
        { type: 'image', source: { type: 'url', url: 'https://example.com/d.jpg' } },
      ],
      firstContent: ({ messages }) => (messages as { content: unknown }[])[0]?.content,
      wholeAnswer: (text) => wholeMessage(text, 'end_turn'),
      wholeCut: (text) => wholeMessage(text, 'max_tokens'),
      reasoning: stream([
        ...messageEvents({ text: 'Yes.' }).slice(0, 1),
        {
          type: 'content_block_start',
          index: 0,
          content_block: { type: 'thinking', thinking: '' },
        },
        ...['Let me', ' think.'].map((thinking) => ({
          type: 'content_block_delta',
          index: 0,
          delta: { type: 'thinking_delta', thinking },
        })),
        { type: 'content_block_stop', index: 0 },
        ...messageEvents({ text: 'Yes.' })
          .slice(1)
          .map((event) => ('index' in event ? { ...event, index: 1 } : event)),
      ]),
      forcedTool: (name) => ({ type: 'tool', name }),
      continuedAfter: ['pause_turn'],
      ending: (reason, reply) => stream(messageEvents(reply, reason)),
    },
  ],
  formats: {
    json_schema: { structuredOutput: 'json_schema' },
    tool: { structuredOutput: 'tool' },
    prompt: { structuredOutput: 'prompt' },
  },
  structuredOptions: { structuredOutput: 'json_schema' },
  create: (baseURL, options) => anthropic({ model: 'a-model', apiKey, baseURL, ...options }),
  saying,
  wire: WIRE,
  opening: [{ type: 'message_start', message: { model: 'a-model-2026', content: [] } }],
  begun: { events: [textDelta('Beca')], text: 'Beca' },
  errorBody,
  requestIdHeader: 'request-id',
  requestIdIsSent: false,
  reportsStepsFirst: true,
  callId: (position) => `toolu_${position}`,
  isToolResult,
  answerTool: 'give_answer',
  apiErrors: [
    [400, { type: 'invalid_request_error' }, 'invalid_request'],
    [401, { type: 'authentication_error' }, 'authentication'],
    [402, { type: 'billing_error' }, 'insufficient_quota'],
    [403, { type: 'permission_error' }, 'permission_denied'],
    [404, { type: 'not_found_error' }, 'not_found'],
    [408, {}, 'timeout'],
    [413, { type: 'request_too_large' }, 'invalid_request'],
    [429, { type: 'rate_limit_error' }, 'rate_limited'],
    [429, { type: 'constructor' }, 'rate_limited'],
    [
      429,
      { type: 'rate_limit_error', details: { error_code: 'enforced_spend_limit_reached' } },
      'insufficient_quota',
    ],
    [500, { type: 'api_error' }, 'server_error'],
    [503, {}, 'overloaded'],
    [504, { type: 'timeout_error' }, 'timeout'],
    [529, { type: 'overloaded_error' }, 'overloaded'],
  ],
  isApiError: (error) => error instanceof Anthropic.APIError,
  errorMessage: (status) => `anthropic/a-model: ${status} No.`,
  chaos: {
    module: new URL('../dist/index.js', import.meta.url).href,
    factory: 'anthropic',
    options: { model: 'a-model' },
    faults: {
      'no capacity': json(529, errorBody({ type: 'overloaded_error', message: 'No.' })),
      'an error in the stream': stream([
        { type: 'error', error: { type: 'overloaded_error', message: `The key ${apiKey} waits` } },
      ]),
      'a stream that is cut': cut(messageEvents({ text: 'Half of' }).slice(0, 3)),
    },
  },
  sdk: {
    packageName: '@anthropic-ai/sdk',
    environment: 'ANTHROPIC',
    create: (options) => anthropic(options),
    createClient: (settings) => new Anthropic(settings),
    connectionError: Anthropic.APIConnectionError,
    keyless: {
      'an environment without credentials': {
        ANTHROPIC_API_KEY: undefined,
        ANTHROPIC_AUTH_TOKEN: undefined,
        // The SDK looks for profiles here.
        ANTHROPIC_CONFIG_DIR: import.meta.dirname,
      },
    },
    // Versions of the SDK differ in the header of the key.
    credentials: { ANTHROPIC_API_KEY: '', ANTHROPIC_AUTH_TOKEN: '' },
    wrongPaths: {
      '/v1': 'must end before /v1',
      '/a/v1/': 'must end before /v1',
      '/v1/messages': 'must end before /v1/messages',
    },
    defaultPath: '/v1/messages',
  },
};

function textDelta(text: string) {
  return { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } };
}
