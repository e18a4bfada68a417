import { OPENAI_CHAT, OPENAI_RESPONSES, type ProviderSubject } from '@stratagem/test-kit';
import { OpenAI } from 'openai';
import { openai } from '../src/openai.js';
import { chatChunks, isToolResult, responseEvents, saying } from './model.js';
import { cut, stream, WIRE } from './streams.js';

const apiKey = 'sk-planted-0123456789';
const APIS = { responses: { api: 'responses' }, chat: { api: 'chat' } };

/** The text that is attached, in an element that it cannot close. */
const TEXT = '<file name="c x .md">\n# Hi &lt;/file>\n</file>';

function wholeCompletion(content: string, finish_reason: string) {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model: 'a-model-2026',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason }],
    usage: { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 },
  };
}

function wholeResponse(text: string): object {
  const { response } = responseEvents({ text }).at(-1) as { response: object };
  return response;
}

const REFUSED = [
  [{ reasoning: { budgetTokens: 2_000 } }, 'the API takes no reasoning.budgetTokens'],
  [
    { providerOptions: { openai: { stream: false } } },
    'providerOptions.openai.stream cannot be set: the runner sets it',
  ],
] as const;

export const SUBJECT: ProviderSubject = {
  name: 'openai',
  label: 'openai/a-model',
  apiKey,
  basePath: '/v1',
  providerKey: 'openai',
  apis: [
    {
      name: 'the Responses API',
      options: APIS.responses,
      path: '/v1/responses',
      requestSchema: OPENAI_RESPONSES,
      textEvent: (delta) => ({ type: 'response.output_text.delta', delta }),
      taskOptions: [
        [{ model: 'another' }, { model: 'another' }],
        [{ instructions: 'Be brief.' }, { instructions: 'Be brief.' }],
        [{ temperature: 0.2 }, { temperature: 0.2 }],
        [{ topP: 0.9 }, { top_p: 0.9 }],
        [{ maxOutputTokens: 50 }, { max_output_tokens: 50 }],
        [{ reasoning: 'high' }, { reasoning: { effort: 'high' } }],
        [{ serviceTier: 'flex' }, { service_tier: 'flex' }],
        [{ store: true }, { store: true }],
        [{ promptCacheKey: 'team' }, { prompt_cache_key: 'team' }],
        [{ promptCacheTtl: '30m' }, { prompt_cache_options: { ttl: '30m' } }],
        [{ promptCacheTtl: '24h' }, { prompt_cache_retention: '24h' }],
        [{ store: false }, { store: false, include: ['reasoning.encrypted_content'] }],
        [
          { serverTools: ['web_search', 'code_execution'] },
          {
            tools: [
              { type: 'web_search' },
              { type: 'code_interpreter', container: { type: 'auto' } },
            ],
            include: ['web_search_call.action.sources', 'code_interpreter_call.outputs'],
          },
        ],
        [
          {
            serverTools: [
              {
                type: 'web_search',
                maxUses: 3,
                allowedDomains: ['example.com'],
                userLocation: { country: 'PT' },
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
                type: 'web_search',
                filters: { allowed_domains: ['example.com'] },
                user_location: { type: 'approximate', country: 'PT' },
                search_context_size: 'low',
              },
            ],
            max_tool_calls: 3,
          },
        ],
        [
          {
            reasoning: { effort: 'low' },
            providerOptions: { openai: { reasoning: { summary: 'auto' } } },
          },
          { reasoning: { effort: 'low', summary: 'auto' } },
        ],
        [
          { providerOptions: { openai: { text: { verbosity: 'low' } } } },
          { text: { verbosity: 'low' } },
        ],
      ],
      refusedOptions: [
        [{ seed: 7 }, "the Responses API has no option for seed; use api: 'chat'"],
        [{ stopSequences: ['END'] }, 'the Responses API has no option for stopSequences'],
        [
          { serverTools: [{ type: 'web_search', blockedDomains: ['example.com'] }] },
          "OpenAI's web_search takes no blockedDomains; use allowedDomains",
        ],
        [
          { serverTools: [{ type: 'web_search', maxUses: 1 }, 'code_execution'] },
          'OpenAI limits the calls of all serverTools together; remove maxUses or the other tool',
        ],
        ...REFUSED,
      ],
      attached: [
        { type: 'input_image', image_url: 'data:image/png;base64,cGl4ZWxz', detail: 'auto' },
        {
          type: 'input_file',
          filename: 'b.pdf',
          file_data: 'data:application/pdf;base64,JVBERi0=',
        },
        { type: 'input_text', text: TEXT },
        { type: 'input_image', image_url: 'https://example.com/d.jpg', detail: 'auto' },
      ],
      firstContent: ({ input }) => (input as { content: unknown }[])[0]?.content,
      wholeAnswer: (text) => wholeResponse(text),
      wholeCut: (text) => ({
        ...wholeResponse(text),
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
      }),
      reasoning: stream([
        { type: 'response.reasoning_summary_text.delta', delta: 'Let me ' },
        { type: 'response.reasoning_text.delta', delta: 'think.' },
        ...responseEvents({ text: 'Yes.' }),
      ]),
      forcedTool: (name) => ({ type: 'function', name }),
      ending: (reason, reply) => stream(responseEvents(reply, reason)),
    },
    {
      name: 'Chat Completions',
      options: APIS.chat,
      path: '/v1/chat/completions',
      requestSchema: OPENAI_CHAT,
      textEvent: (content) => ({ choices: [{ index: 0, delta: { content } }] }),
      taskOptions: [
        [{ model: 'another' }, { model: 'another' }],
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
        [{ serviceTier: 'flex' }, { service_tier: 'flex' }],
        [{ store: true }, { store: true }],
        [{ promptCacheKey: 'team' }, { prompt_cache_key: 'team' }],
        [{ promptCacheTtl: '30m' }, { prompt_cache_options: { ttl: '30m' } }],
        [{ promptCacheTtl: '24h' }, { prompt_cache_retention: '24h' }],
        [{ providerOptions: { openai: { verbosity: 'low' } } }, { verbosity: 'low' }],
      ],
      refusedOptions: [
        [
          { serverTools: ['web_search'] },
          "Chat Completions has no serverTools; use api: 'responses', or providerOptions.openai",
        ],
        ...REFUSED,
      ],
      attached: [
        { type: 'image_url', image_url: { url: 'data:image/png;base64,cGl4ZWxz' } },
        {
          type: 'file',
          file: { filename: 'b.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' },
        },
        { type: 'text', text: TEXT },
        { type: 'image_url', image_url: { url: 'https://example.com/d.jpg' } },
      ],
      firstContent: ({ messages }) => (messages as { content: unknown }[])[0]?.content,
      wholeAnswer: (text) => wholeCompletion(text, 'stop'),
      wholeCut: (text) => wholeCompletion(text, 'length'),
      reasoning: stream([
        ...['Let me', ' think.'].map((reasoning_content) => ({
          choices: [{ index: 0, delta: { reasoning_content } }],
        })),
        ...chatChunks({ text: 'Yes.' }),
      ]),
      forcedTool: (name) => ({ type: 'function', function: { name } }),
      ending: (reason, reply) => stream(chatChunks(reply, reason)),
    },
  ],
  formats: { 'the Responses API': APIS.responses, 'Chat Completions': APIS.chat },
  structuredOptions: { structuredOutput: 'json_schema' },
  create: (baseURL, options) => openai({ model: 'a-model', apiKey, baseURL, ...options }),
  saying,
  wire: WIRE,
  opening: [],
  begun: {
    events: [{ choices: [{ delta: { content: 'Beca' }, finish_reason: null }] }],
    text: 'Beca',
  },
  errorBody: (error) => ({ error }),
  requestIdHeader: 'x-request-id',
  requestIdIsSent: true,
  reportsStepsFirst: true,
  callId: (position) => `call_${position}`,
  isToolResult,
  apiErrors: [
    [400, {}, 'invalid_request'],
    [400, { code: 'context_length_exceeded' }, 'context_length_exceeded'],
    [400, { code: 'content_filter' }, 'refused'],
    [401, { code: 'invalid_api_key' }, 'authentication'],
    [402, {}, 'insufficient_quota'],
    [403, {}, 'permission_denied'],
    [404, { code: 'model_not_found' }, 'not_found'],
    [408, {}, 'timeout'],
    [409, {}, 'server_error'],
    [422, {}, 'invalid_request'],
    [429, { code: 'rate_limit_exceeded' }, 'rate_limited'],
    [429, { code: 'insufficient_quota', type: 'insufficient_quota' }, 'insufficient_quota'],
    [429, { code: null, type: 'insufficient_quota' }, 'insufficient_quota'],
    [429, { code: 'constructor' }, 'rate_limited'],
    [498, { code: 'capacity_exceeded' }, 'overloaded'],
    [500, {}, 'server_error'],
    [503, {}, 'overloaded'],
    [504, {}, 'timeout'],
    [529, {}, 'overloaded'],
  ],
  isApiError: (error) => error instanceof OpenAI.APIError,
  errorMessage: (status) => `openai/a-model: ${status} No.`,
  chaos: {
    module: new URL('../dist/index.js', import.meta.url).href,
    factory: 'openai',
    options: { model: 'a-model' },
    faults: {
      'invalid JSON': (response) => response.writeHead(200).end('{"choices": [{'),
      'a stream that is cut': (response, received) => {
        const isChat = received.path?.endsWith('/chat/completions');
        const whole = (isChat ? chatChunks : responseEvents)({ text: 'Half of' });
        cut(whole.slice(0, 2))(response, received);
      },
    },
  },
  sdk: {
    packageName: 'openai',
    environment: 'OPENAI',
    create: (options) => openai(options),
    createClient: (settings) => new OpenAI(settings),
    connectionError: OpenAI.APIConnectionError,
    keyless: {
      'an environment without a key': {
        OPENAI_API_KEY: undefined,
        OPENAI_ADMIN_KEY: 'sk-admin-0123456789',
      },
      'an environment with a blank key': {
        OPENAI_API_KEY: '  ',
        OPENAI_ADMIN_KEY: 'sk-admin-0123456789',
      },
    },
    credentials: { OPENAI_API_KEY: 'Bearer ' },
    wrongPaths: {
      '': 'has no version, such as /v1',
      '/': 'has no version, such as /v1',
      '/v1/chat/completions': 'must end before /chat/completions',
      '/v1/responses/': 'must end before /responses',
    },
    defaultPath: '/v1/chat/completions',
  },
};
