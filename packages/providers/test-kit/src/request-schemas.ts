/**
 * What the documents of the APIs say about requests, as far as our requests go: written for these tests,
 * after the types of the SDKs. Every field that is not named here is refused.
 */

type JsonSchema = Readonly<Record<string, unknown>>;

const text = { type: 'string' };
const name = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' };
const count = { type: 'integer', minimum: 1 };
const flag = { type: 'boolean' };
const anyObject = { type: 'object' };
const oneOf = (...values: readonly string[]) => ({ enum: values });
const list = (items: JsonSchema, minItems = 0) => ({ type: 'array', items, minItems });
const either = (...schemas: readonly JsonSchema[]) => ({ anyOf: schemas });

/** An object with these fields alone; those whose name ends in `?` may be missing. */
function object(fields: Readonly<Record<string, JsonSchema>>): JsonSchema {
  const named = Object.entries(fields).map(([key, schema]) => [key.replace('?', ''), schema]);
  const required = Object.keys(fields).filter((key) => !key.endsWith('?'));
  const properties = Object.fromEntries(named);
  return { type: 'object', properties, required, additionalProperties: false };
}

const constant = (value: string) => ({ const: value });

/** Names of tools and of formats. */
const parameters = { type: 'object', properties: { type: constant('object') }, required: ['type'] };
const effort = oneOf('none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max');
const verbosity = oneOf('low', 'medium', 'high');

const chatText = object({ type: constant('text'), text });
const chatPart = either(
  chatText,
  object({ type: constant('image_url'), image_url: object({ url: text, 'detail?': text }) }),
  object({
    type: constant('file'),
    file: object({ 'filename?': text, 'file_data?': text, 'file_id?': text }),
  }),
);
const chatCall = object({
  id: text,
  type: constant('function'),
  function: object({ name, arguments: text }),
});

/** `POST /chat/completions` of OpenAI. */
export const OPENAI_CHAT: JsonSchema = object({
  model: text,
  messages: list(
    either(
      object({ role: oneOf('system', 'developer'), content: text }),
      object({ role: constant('user'), content: either(text, list(chatPart, 1)) }),
      object({
        role: constant('assistant'),
        'content?': either(text, { type: 'null' }),
        'refusal?': either(text, { type: 'null' }),
        'annotations?': list(anyObject),
        'tool_calls?': list(chatCall, 1),
      }),
      object({ role: constant('tool'), tool_call_id: text, content: text }),
    ),
    1,
  ),
  'temperature?': { type: 'number', minimum: 0, maximum: 2 },
  'top_p?': { type: 'number', minimum: 0, maximum: 1 },
  'seed?': { type: 'integer' },
  'stop?': either(text, { ...list(text, 1), maxItems: 4 }),
  'reasoning_effort?': effort,
  'verbosity?': verbosity,
  'max_tokens?': count,
  'max_completion_tokens?': count,
  'parallel_tool_calls?': flag,
  'store?': flag,
  'service_tier?': oneOf('auto', 'default', 'flex', 'scale', 'priority', 'fast'),
  'prompt_cache_key?': text,
  'prompt_cache_retention?': oneOf('in_memory', '24h'),
  'prompt_cache_options?': object({
    'mode?': oneOf('implicit', 'explicit'),
    'ttl?': constant('30m'),
  }),
  'stream?': flag,
  'stream_options?': object({ 'include_usage?': flag, 'include_obfuscation?': flag }),
  'tools?': list(
    object({
      type: constant('function'),
      function: object({ name, 'description?': text, 'parameters?': parameters, 'strict?': flag }),
    }),
    1,
  ),
  'tool_choice?': either(
    oneOf('none', 'auto', 'required'),
    object({ type: constant('function'), function: object({ name }) }),
  ),
  'response_format?': either(
    object({ type: oneOf('text', 'json_object') }),
    object({
      type: constant('json_schema'),
      json_schema: object({ name, 'description?': text, 'schema?': anyObject, 'strict?': flag }),
    }),
  ),
});

const inputPart = either(
  object({ type: constant('input_text'), text }),
  object({
    type: constant('input_image'),
    'detail?': oneOf('low', 'high', 'auto', 'original'),
    'image_url?': text,
    'file_id?': text,
  }),
  object({
    type: constant('input_file'),
    'file_data?': text,
    'file_id?': text,
    'file_url?': text,
    'filename?': text,
  }),
);
const status = oneOf('in_progress', 'completed', 'incomplete');

const location = object({
  type: constant('approximate'),
  ...{ 'city?': text, 'region?': text, 'country?': text, 'timezone?': text },
});

/** `POST /responses` of OpenAI. */
export const OPENAI_RESPONSES: JsonSchema = object({
  model: text,
  input: either(
    text,
    list(
      either(
        object({
          'type?': constant('message'),
          role: oneOf('user', 'system', 'developer'),
          content: either(text, list(inputPart, 1)),
        }),
        object({
          type: constant('message'),
          'id?': text,
          role: constant('assistant'),
          'status?': status,
          'phase?': text,
          content: list(
            either(
              object({
                type: constant('output_text'),
                text,
                'annotations?': list(anyObject),
                'logprobs?': list(anyObject),
              }),
              object({ type: constant('refusal'), refusal: text }),
            ),
          ),
        }),
        object({
          type: constant('function_call'),
          'id?': text,
          call_id: { ...text, maxLength: 64 },
          name,
          arguments: text,
          'status?': status,
        }),
        object({
          type: constant('function_call_output'),
          'id?': text,
          call_id: { ...text, maxLength: 64 },
          output: either(text, list(inputPart, 1)),
          'status?': status,
        }),
        object({
          type: constant('reasoning'),
          id: text,
          summary: list(object({ type: constant('summary_text'), text })),
          'content?': list(object({ type: constant('reasoning_text'), text })),
          'encrypted_content?': either(text, { type: 'null' }),
          'status?': status,
        }),
        object({ type: constant('web_search_call'), id: text, status: text, action: anyObject }),
        object({
          type: constant('code_interpreter_call'),
          ...{ id: text, status: text, container_id: text },
          code: either(text, { type: 'null' }),
          outputs: either(list(anyObject), { type: 'null' }),
        }),
      ),
      1,
    ),
  ),
  'instructions?': text,
  'temperature?': { type: 'number', minimum: 0, maximum: 2 },
  'top_p?': { type: 'number', minimum: 0, maximum: 1 },
  'max_output_tokens?': count,
  'reasoning?': object({ 'effort?': effort, 'summary?': oneOf('auto', 'concise', 'detailed') }),
  'text?': object({
    'verbosity?': verbosity,
    'format?': either(
      object({ type: oneOf('text', 'json_object') }),
      object({
        type: constant('json_schema'),
        name,
        schema: anyObject,
        'description?': text,
        'strict?': flag,
      }),
    ),
  }),
  'include?': list(text),
  'store?': flag,
  'service_tier?': oneOf('auto', 'default', 'flex', 'scale', 'priority', 'fast'),
  'prompt_cache_key?': text,
  'prompt_cache_retention?': oneOf('in_memory', '24h'),
  'prompt_cache_options?': object({
    'mode?': oneOf('implicit', 'explicit'),
    'ttl?': constant('30m'),
  }),
  'parallel_tool_calls?': flag,
  'truncation?': oneOf('auto', 'disabled'),
  'stream?': flag,
  'stream_options?': object({ 'include_obfuscation?': flag }),
  'max_tool_calls?': count,
  'tools?': list(
    either(
      object({
        type: constant('function'),
        name,
        parameters: either(parameters, { type: 'null' }),
        strict: either(flag, { type: 'null' }),
        'description?': text,
      }),
      object({
        type: constant('web_search'),
        'filters?': object({ 'allowed_domains?': list(text) }),
        'search_context_size?': oneOf('low', 'medium', 'high'),
        'user_location?': location,
      }),
      object({
        type: constant('code_interpreter'),
        container: either(text, object({ type: constant('auto'), 'file_ids?': list(text) })),
      }),
    ),
    1,
  ),
  'tool_choice?': either(
    oneOf('none', 'auto', 'required'),
    object({ type: constant('function'), name }),
    object({ type: oneOf('web_search', 'code_interpreter') }),
  ),
});

const cache = object({ type: constant('ephemeral'), 'ttl?': oneOf('5m', '1h') });
const media = oneOf('image/jpeg', 'image/png', 'image/gif', 'image/webp');
const block = either(
  object({ type: constant('text'), text: { ...text, minLength: 1 }, 'cache_control?': cache }),
  object({
    type: constant('image'),
    source: either(
      object({ type: constant('base64'), media_type: media, data: text }),
      object({ type: constant('url'), url: text }),
    ),
    'cache_control?': cache,
  }),
  object({
    type: constant('document'),
    'title?': text,
    source: either(
      object({ type: constant('base64'), media_type: constant('application/pdf'), data: text }),
      object({ type: constant('url'), url: text }),
      object({ type: constant('text'), media_type: constant('text/plain'), data: text }),
    ),
    'cache_control?': cache,
  }),
);

/** `POST /v1/messages` of Anthropic. */
export const ANTHROPIC_MESSAGES: JsonSchema = object({
  model: text,
  max_tokens: count,
  messages: list(
    either(
      object({
        role: constant('user'),
        content: either(
          text,
          list(
            either(
              block,
              object({
                type: constant('tool_result'),
                tool_use_id: name,
                'content?': either(text, list(block, 1)),
                'is_error?': flag,
                'cache_control?': cache,
              }),
            ),
            1,
          ),
        ),
      }),
      object({
        role: constant('assistant'),
        content: list(
          either(
            object({
              type: constant('text'),
              text,
              'citations?': either(list(anyObject), { type: 'null' }),
            }),
            object({
              type: constant('tool_use'),
              id: name,
              name,
              input: anyObject,
              'caller?': anyObject,
            }),
            object({ type: constant('thinking'), thinking: text, signature: text }),
            object({ type: constant('redacted_thinking'), data: text }),
            object({
              type: constant('server_tool_use'),
              ...{ id: name, name, input: anyObject, 'caller?': anyObject },
            }),
            object({
              type: {
                type: 'string',
                pattern: '^(web_search|(bash_|text_editor_)?code_execution)_tool_result$',
              },
              tool_use_id: name,
              content: either(anyObject, list(anyObject)),
              'caller?': anyObject,
            }),
          ),
          1,
        ),
      }),
    ),
    1,
  ),
  'system?': either(
    text,
    list(object({ type: constant('text'), text, 'cache_control?': cache }), 1),
  ),
  // No longer in the document; models of before still take it.
  'temperature?': { type: 'number', minimum: 0, maximum: 1 },
  'stop_sequences?': list(text, 1),
  'stream?': flag,
  'thinking?': either(
    object({ type: constant('disabled') }),
    object({ type: constant('adaptive'), 'display?': text }),
    object({ type: constant('enabled'), budget_tokens: { type: 'integer', minimum: 1_024 } }),
  ),
  'output_config?': object({
    'effort?': oneOf('low', 'medium', 'high', 'xhigh', 'max'),
    'format?': object({ type: constant('json_schema'), schema: anyObject }),
  }),
  'service_tier?': oneOf('auto', 'standard_only'),
  'cache_control?': cache,
  'container?': either(text, object({ 'id?': text, 'skills?': list(anyObject) })),
  'metadata?': object({ 'user_id?': text }),
  'tools?': list(
    either(
      object({
        name,
        'description?': text,
        input_schema: parameters,
        'strict?': flag,
        'cache_control?': cache,
      }),
      object({
        type: { type: 'string', pattern: '^web_search_\\d{8}$' },
        name: constant('web_search'),
        'max_uses?': count,
        'allowed_domains?': list(text, 1),
        'blocked_domains?': list(text, 1),
        'user_location?': location,
      }),
      object({
        type: { type: 'string', pattern: '^code_execution_\\d{8}$' },
        name: constant('code_execution'),
      }),
    ),
    1,
  ),
  'tool_choice?': either(
    object({ type: oneOf('auto', 'any'), 'disable_parallel_tool_use?': flag }),
    object({ type: constant('tool'), name, 'disable_parallel_tool_use?': flag }),
    object({ type: constant('none') }),
  ),
});
