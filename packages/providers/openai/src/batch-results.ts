import type { BatchResult } from '@stratagem/core/batch';
import {
  codeOfApiError,
  definedFields,
  RunnerError,
  readErrorBody,
  requireComplete,
  shortenWords,
  type Turn,
} from '@stratagem/core/runner';
import type { ChatCompletion } from 'openai/resources/chat/completions';
import type { Response } from 'openai/resources/responses/responses';
import { chunksOf, readChunks } from './chat-answer.js';
import { apiOf, type OpenAITarget } from './context.js';
import { readResponse } from './responses.js';

/** A line of an output or error file. */
interface Line {
  readonly custom_id?: string | undefined;
  readonly response?: {
    readonly status_code?: number | undefined;
    readonly request_id?: string | undefined;
    readonly body?: unknown | undefined;
  } | null;
  readonly error?: { readonly code?: string; readonly message?: string } | null;
}

/** The results of an output or error file. */
export function* readResults(text: string, target: OpenAITarget): Generator<BatchResult> {
  for (const json of text.split('\n')) {
    const line = parseLine(json);
    if (line?.custom_id === undefined) continue;
    yield { customId: line.custom_id, read: () => turnOf(line, target) };
  }
}

/** A line that cannot be parsed counts as a missing result. */
function parseLine(line: string): Line | undefined {
  try {
    return line.trim() === '' ? undefined : JSON.parse(line);
  } catch {
    return undefined;
  }
}

async function turnOf({ response, error }: Line, target: OpenAITarget): Promise<Turn> {
  const { model, label } = target;
  const { status_code, request_id: requestId, body } = response ?? {};
  const status = status_code || undefined;
  const fail = (code: RunnerError['code'], message: string) =>
    new RunnerError(code, `${label}: ${message}`, {
      model,
      ...definedFields({ status, requestId }),
    });
  if (error != null || status !== 200) {
    const { codes, message = 'the request failed' } = readErrorBody(error ?? body);
    // The job had no time for this request; a retry may succeed.
    const isExpired = codes.includes('batch_expired');
    const code = codeOfApiError(codes, status, message) ?? 'server_error';
    const text = shortenWords(message);
    throw fail(isExpired ? 'timeout' : code, error != null ? text : `${status ?? 0} ${text}`);
  }
  if (typeof body !== 'object' || body === null) {
    throw fail('server_error', 'the batch has a result without an answer');
  }
  // Some servers put an error into a result whose status is 200.
  const { error: within } = body as { error?: unknown };
  if (within) {
    const { codes, message = 'the request failed' } = readErrorBody(body);
    const code = codeOfApiError(codes, undefined, message) ?? 'server_error';
    throw fail(code, shortenWords(message));
  }
  const read =
    apiOf(target) === 'chat'
      ? await readChunks([chunksOf(body as ChatCompletion)])
      : readResponse(body as Response);
  const answer = { ...read, requestId };
  requireComplete(answer, { label, model, maxOutputTokens: target.options.maxOutputTokens });
  return answer;
}
