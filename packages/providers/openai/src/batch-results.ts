import type { BatchCall, BatchResult } from '@stratagem/core/batch';
import {
  definedFields,
  errorIn,
  RunnerError,
  requireComplete,
  ServerFailure,
  type Turn,
} from '@stratagem/core/runner';
import type { ChatCompletion } from 'openai/resources/chat/completions';
import type { Response } from 'openai/resources/responses/responses';
import { chunksOf, readChunks } from './chat-answer.js';
import { apiOf, type OpenAITarget } from './context.js';
import { readResponse } from './responses-answer.js';

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
export function* readResults(
  text: string,
  target: OpenAITarget,
  call: BatchCall,
): Generator<BatchResult> {
  for (const json of text.split('\n')) {
    const line = parseLine(json);
    if (line?.custom_id === undefined) continue;
    yield { customId: line.custom_id, read: () => call(() => turnOf(line, target), true) };
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

async function turnOf(line: Line, target: OpenAITarget): Promise<Turn> {
  const { response } = line;
  const error = errorIn(line);
  const { model, label } = target;
  const { status_code, request_id: requestId, body } = response ?? {};
  const status = Number(status_code) || 500;
  if (error !== undefined) throw new ServerFailure(error, { requestID: requestId });
  if (status >= 300) throw new ServerFailure(body, { status, requestID: requestId });
  if (typeof body !== 'object' || body === null) {
    const message = `${label}: the batch has a result without an answer`;
    throw new RunnerError('server_error', message, { model, ...definedFields({ requestId }) });
  }
  // Some servers put an error into a result whose status is 200.
  const within = errorIn(body);
  if (within !== undefined) throw new ServerFailure(within, { requestID: requestId });
  const read =
    apiOf(target) === 'chat'
      ? await readChunks([chunksOf(body as ChatCompletion)])
      : readResponse(body as Response);
  const answer = { ...read, requestId };
  requireComplete(answer, { label, model, maxOutputTokens: target.options.maxOutputTokens });
  return answer;
}
