import type { OutputPart, RunContext, TaskOutput, TaskRequest, TaskRunner } from '@stratagem/core';
import { checkOptions, deriveContext, describe, OptionError } from '@stratagem/core/runner';
import { requireOutput } from '../util/checked-run.js';
import { codeOf, detailsOf } from '../util/error-details.js';
import { requestKey, storableContentOf } from '../util/request-key.js';
import { checkRunner, propertiesOf } from '../util/wrapped.js';
import {
  RECORDING_VERSION,
  type RecordedError,
  type RecordedResponse,
  type Recording,
} from './recording.js';
import { scrubber } from './scrub.js';

export interface RecordOptions {
  /** The JSON Lines file to append to. It is readable only by its owner. */
  readonly file: string;
  /**
   * Further secrets to redact. API keys of well-known services and the values of environment
   * variables named `…_KEY`, `…_TOKEN`, `…_SECRET` or `…_PASSWORD` are always redacted.
   * @default none
   */
  readonly secrets?: readonly (string | RegExp)[] | undefined;
}

/**
 * Writes each request and its response or error to a file. {@link replay} responds from that file,
 * for tests of plans without a network. Secrets are redacted. When the file cannot be written, a
 * notice is logged and the attempt continues.
 *
 * @throws {OptionError} when an option is unknown or missing.
 *
 * @example
 * const runner = record(openai(), { file: 'test/fixtures/report.jsonl' });
 */
export function record(runner: TaskRunner, options: RecordOptions): TaskRunner {
  checkRunner('record()', 'its first argument', runner);
  checkOptions('record()', options, ['file', 'secrets']);
  const { file, secrets = [] } = options;
  if (typeof file !== 'string' || file === '') {
    throw new OptionError('record(): file must be the path of a file');
  }
  if (!isListOfSecrets(secrets)) {
    throw new OptionError('record(): secrets must be a list of strings and regular expressions');
  }
  let written: Promise<unknown> = Promise.resolve();

  return {
    ...propertiesOf(runner),
    async run(request, context) {
      const parts: OutputPart[] = [];
      const startedAt = performance.now();
      const watching = deriveContext(context, {
        emit(part) {
          parts.push(typeof part === 'string' ? { kind: 'text', text: part } : part);
          return context.emit(part);
        },
      });
      const write = (result: Pick<Recording, 'answer' | 'error'>) =>
        appendLine(request, context, {
          ...{ parts, durationMs: performance.now() - startedAt },
          ...result,
        });
      try {
        const response = requireOutput(runner, await runner.run(request, watching));
        await write({ answer: recordedResponse(response) });
        return response;
      } catch (thrown) {
        // An aborted request says nothing about the provider.
        if (!context.signal.aborted) await write({ error: recordedError(thrown) });
        throw thrown;
      }
    },
  };

  /** Appends one line after another, without mixing concurrent ones. */
  async function appendLine(
    request: TaskRequest,
    context: RunContext,
    fields: Pick<Recording, 'parts' | 'durationMs' | 'answer' | 'error'>,
  ): Promise<void> {
    try {
      const line = lineOf(request, fields);
      const writing = written.then(async () => {
        // Loaded when they are needed: browsers have no files.
        const { appendFile, mkdir } = await import('node:fs/promises');
        const { dirname } = await import('node:path');
        await mkdir(dirname(file), { recursive: true });
        await appendFile(file, line, { mode: 0o600 });
      });
      written = writing.catch(() => {});
      await writing;
    } catch (thrown) {
      const message = `could not record the request: ${describe(thrown)}`;
      context.emit({ kind: 'notice', source: 'record', message });
    }
  }

  function lineOf(request: TaskRequest, fields: object): string {
    const content = storableContentOf(request, runner.readsInputs);
    const recording = {
      version: RECORDING_VERSION,
      key: requestKey(content),
      taskId: request.taskId,
      request: content,
      ...fields,
    };
    // Converted to plain data first, because `toJSON` may reveal a secret.
    const data = JSON.parse(JSON.stringify(recording));
    return `${JSON.stringify(scrubber(secrets)(data))}\n`;
  }
}

function recordedResponse(response: TaskOutput): RecordedResponse {
  const { output, usage, costUsd, model, requestId, citations, serverToolCalls } = response;
  return withoutUndefined({
    ...{ output: output ?? null, usage, costUsd, model, requestId, citations, serverToolCalls },
  });
}

function recordedError(thrown: unknown): RecordedError {
  const { retryAfterMs, isRetryable, status, usage } = detailsOf(thrown);
  const message = describe(thrown);
  return withoutUndefined({
    ...{ code: codeOf(thrown), message, retryAfterMs, isRetryable, status, usage },
  });
}

function withoutUndefined<T extends object>(fields: T): T {
  const defined = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(defined) as T;
}

function isListOfSecrets(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every((each) => typeof each === 'string' || each instanceof RegExp)
  );
}
