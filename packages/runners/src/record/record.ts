import { appendFile, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import {
  checkOptions,
  deriveContext,
  describe,
  OptionError,
  type OutputPart,
  type RunContext,
  type TaskOutput,
  type TaskRequest,
  type TaskRunner,
} from '@stratagem/core';
import { codeOf, detailsOf } from '../failover/combined-error.js';
import { checkRunner } from '../failover/composite.js';
import { checkedAnswer } from '../util/checked-run.js';
import { contentOf, keyOf } from '../util/request-key.js';
import {
  RECORDING_VERSION,
  type RecordedAnswer,
  type RecordedError,
  type Recording,
} from './recording.js';
import { scrubber } from './scrub.js';

export interface RecordOptions {
  /** Where to, in JSON Lines; what it holds already stays. Readable only by its owner. */
  readonly file: string;
  /**
   * What must not be written, besides keys that look like ones of well-known services and the
   * values of environment variables named `…_KEY`, `…_TOKEN`, `…_SECRET` or `…_PASSWORD`.
   * @default nothing else
   */
  readonly secrets?: readonly (string | RegExp)[];
}

/**
 * Writes each request and what came of it to a file, from which {@link replay} answers: tests of
 * one's own plans without a network. Secrets are taken out. Where it cannot write, the log says so
 * and the attempt goes on.
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
    name: runner.name,
    ...(runner.resource !== undefined && { resource: runner.resource }),
    ...(runner.settings !== undefined && { settings: runner.settings }),
    supportsTools: runner.supportsTools ?? false,
    async run(request, context) {
      const parts: OutputPart[] = [];
      const began = performance.now();
      const watching = deriveContext(context, {
        emit(part) {
          parts.push(typeof part === 'string' ? { kind: 'text', text: part } : part);
          return context.emit(part);
        },
      });
      const keep = (what: Pick<Recording, 'answer' | 'error'>) =>
        write(request, context, { parts, durationMs: performance.now() - began, ...what });
      try {
        const answer = checkedAnswer(runner, await runner.run(request, watching));
        await keep({ answer: recordedAnswer(answer) });
        return answer;
      } catch (thrown) {
        // What was stopped says nothing about the backend.
        if (!context.signal.aborted) await keep({ error: recordedError(thrown) });
        throw thrown;
      }
    },
  };

  /** One line after the other, each at once. */
  async function write(
    request: TaskRequest,
    context: RunContext,
    what: Pick<Recording, 'parts' | 'durationMs' | 'answer' | 'error'>,
  ): Promise<void> {
    try {
      const line = lineOf(request, what);
      const writing = written.then(async () => {
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

  function lineOf(request: TaskRequest, what: object): string {
    const content = contentOf(request);
    const recording = {
      version: RECORDING_VERSION,
      key: keyOf(content),
      taskId: request.taskId,
      request: content,
      ...what,
    };
    // As data first: what a value turns into in JSON is what has to be scrubbed.
    const data = JSON.parse(JSON.stringify(recording));
    return `${JSON.stringify(scrubber(secrets)(data))}\n`;
  }
}

function recordedAnswer({ output, usage, costUsd, model, requestId }: TaskOutput): RecordedAnswer {
  return withoutUndefined({ output: output ?? null, usage, costUsd, model, requestId });
}

function recordedError(thrown: unknown): RecordedError {
  const { retryAfterMs, status, usage } = detailsOf(thrown);
  const message = describe(thrown);
  return withoutUndefined({ code: codeOf(thrown), message, retryAfterMs, status, usage });
}

function withoutUndefined<T extends object>(fields: T): T {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as T;
}

function isListOfSecrets(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every((each) => typeof each === 'string' || each instanceof RegExp)
  );
}
