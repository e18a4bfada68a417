import { announcesJson, definedFields, RunnerError } from '@stratagem/core/runner';
import type { LanguageModel } from 'ai';
import { type Headers, requestIdOf } from './errors.js';
import { labelOf, modelNameOf } from './options.js';

/** The same model, which passes on the headers of its streams. A model at the gateway is left as it is. */
export async function withHeaders(
  model: LanguageModel,
  onHeaders: (headers: Headers) => void,
): Promise<LanguageModel> {
  if (typeof model === 'string') return model;
  const { wrapLanguageModel } = await import('ai');
  return wrapLanguageModel({
    model,
    middleware: {
      async wrapStream({ doStream }) {
        const result = await doStream();
        onHeaders(result.response?.headers);
        return result;
      },
    },
  });
}

/** What has arrived of an answer. */
interface Arrived {
  /** The headers of the last response. */
  readonly headers: Headers;
  /** Whether nothing of its answer has arrived. */
  readonly isEmpty: boolean;
}

/**
 * The error of a response that was asked to be a stream, and is of another type. The SDK looks for events
 * in it, finds none, and drops it.
 *
 * @param error The error of the attempt.
 * @returns Undefined when the error has another cause.
 */
export function notStreamed(
  error: RunnerError,
  { headers, isEmpty }: Arrived,
  model: LanguageModel,
): RunnerError | undefined {
  const type = headers?.['content-type']?.split(';')[0]?.trim() ?? '';
  const isJson = announcesJson({ get: () => type });
  if (error.code !== 'connection' || !isEmpty || !(isJson || /^text\/html$/i.test(type))) {
    return undefined;
  }
  const hint = isJson
    ? ' in place of a stream; if it does not stream, set stream: false'
    : '; is the base URL right?';
  const message = `${labelOf(model)}: the server answered with ${type}${hint}`;
  return new RunnerError('server_error', message, {
    ...definedFields({ usage: error.usage, requestId: requestIdOf(headers) }),
    model: modelNameOf(model),
    cause: error,
    // Another request would be answered, and charged, in the same way.
    ...(isJson && { isRetryable: false }),
  });
}
