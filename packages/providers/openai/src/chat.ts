import type { TaskOutput, Usage } from '@stratagem/core';
import type { ChatCompletion, ChatCompletionChunk } from 'openai/resources/chat/completions';
import type { CompletionUsage } from 'openai/resources/completions';
import { type Answer, toTaskOutput } from './answer.js';
import { isOpenAI } from './client.js';
import { exchange, type Question } from './exchange.js';

/** Asks through Chat Completions. */
export function askChat(question: Question): Promise<TaskOutput> {
  const { client, model, prompt, options, request } = question;
  const { instructions, temperature, maxOutputTokens } = options;
  return exchange(
    question,
    () =>
      client.chat.completions.create(
        {
          model,
          messages: [
            ...(instructions === undefined ? [] : [system(instructions)]),
            { role: 'user', content: prompt },
          ],
          temperature,
          // OpenAI has dropped max_tokens; of the compatible servers, many know nothing else.
          [isOpenAI(client.baseURL) ? 'max_completion_tokens' : 'max_tokens']: maxOutputTokens,
          stream: true,
          stream_options: { include_usage: true },
        },
        request,
      ),
    chunksOf,
    async (chunks, requestId) => toTaskOutput(await read(chunks, question, requestId), question),
  );
}

function system(content: string) {
  return { role: 'system', content } as const;
}

/** Compatible servers leave out parts of a chunk, whatever the types say. */
type Chunk = Partial<ChatCompletionChunk>;

/** A whole completion as the one chunk it amounts to. */
function chunksOf({ model, usage, choices }: Partial<ChatCompletion>): Chunk[] {
  const [choice] = choices ?? [];
  if (choice === undefined) return [];
  const { content, refusal } = choice.message ?? {};
  const { finish_reason = 'stop' } = choice;
  return [{ model, usage, choices: [{ index: 0, delta: { content, refusal }, finish_reason }] }];
}

async function read(
  chunks: AsyncIterable<Chunk> | Iterable<Chunk>,
  { emit }: Question,
  requestId: string | undefined,
): Promise<Answer> {
  let text = '';
  let refusal = '';
  let reason: string | undefined;
  let model: string | undefined;
  let usage: CompletionUsage | undefined;
  for await (const chunk of chunks) {
    model ??= chunk.model;
    // In the last chunk, which has no choices; some servers count on from chunk to chunk.
    usage = chunk.usage ?? usage;
    const choice = chunk.choices?.[0];
    if (choice === undefined) continue;
    const { content, refusal: refused } = choice.delta ?? {};
    if (content) {
      text += content;
      emit(content);
    }
    if (refused) refusal += refused;
    reason = choice.finish_reason ?? reason;
  }
  return { text, refusal, end: endOf(reason), usage: usage && usageOf(usage), model, requestId };
}

function endOf(reason: string | undefined): Answer['end'] {
  switch (reason) {
    case undefined:
      return undefined;
    case 'length':
      return 'truncated';
    case 'content_filter':
      return 'filtered';
    default:
      return 'complete';
  }
}

function usageOf(usage: CompletionUsage): Usage {
  return {
    inputTokens: usage.prompt_tokens,
    outputTokens: usage.completion_tokens,
    cachedInputTokens: usage.prompt_tokens_details?.cached_tokens,
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens,
  };
}
