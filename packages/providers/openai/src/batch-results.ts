import { RunnerError } from '@stratagem/core';
import { type BatchResult, codeOfStatus, type Turn } from '@stratagem/core/provider';
import type { ChatCompletion } from 'openai/resources/chat/completions';
import type { Response } from 'openai/resources/responses/responses';
import { toTurn } from './answer.js';
import type { BatchTarget } from './batch.js';
import { chunksOf, read } from './chat.js';
import { codeOfError } from './errors.js';
import { answerOf } from './responses.js';

/** A line of an output or error file. */
interface Line {
  readonly custom_id?: string;
  readonly response?: {
    readonly status_code?: number;
    readonly request_id?: string;
    readonly body?: unknown;
  } | null;
  readonly error?: { readonly code?: string; readonly message?: string } | null;
}

/** What became of the requests of a file, each by its own id. */
export function* readResults(text: string, target: BatchTarget): Generator<BatchResult> {
  for (const written of text.split('\n')) {
    const line = parse(written);
    if (line?.custom_id === undefined) continue;
    yield { customId: line.custom_id, read: () => turnOf(line, target) };
  }
}

/** A line that cannot be read is a result that is not there: its request is told so. */
function parse(line: string): Line | undefined {
  try {
    return line.trim() === '' ? undefined : JSON.parse(line);
  } catch {
    return undefined;
  }
}

async function turnOf({ response, error }: Line, target: BatchTarget): Promise<Turn> {
  const { model, api } = target;
  const { status_code: status = 0, request_id: requestId, body } = response ?? {};
  const fail = (code: RunnerError['code'], message: string) =>
    new RunnerError(code, `openai/${model}: ${message}`, {
      model,
      ...(status > 0 && { status }),
      ...(requestId !== undefined && { requestId }),
    });
  if (error != null) {
    // A request that its job had no time for may be sent again.
    const code = error.code === 'batch_expired' ? 'timeout' : codeOf(error.code, status);
    throw fail(code, error.message ?? 'the request failed');
  }
  if (status !== 200) {
    const { error: why } = (body ?? {}) as { error?: { code?: string; message?: string } };
    throw fail(codeOf(why?.code, status), `${status} ${why?.message ?? 'the request failed'}`);
  }
  const answer =
    api === 'chat'
      ? await read(chunksOf(body as ChatCompletion), { emit: () => undefined })
      : answerOf(body as Response);
  return toTurn(answer, target, { requestId });
}

function codeOf(code: string | undefined, status: number): RunnerError['code'] {
  if (status === 0) return codeOfError({ code, type: undefined, status: undefined } as never);
  return code === undefined
    ? codeOfStatus(status)
    : codeOfError({ code, type: undefined, status } as never);
}
