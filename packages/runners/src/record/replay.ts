import type { RunContext, TaskOutput, TaskRequest, TaskRunner } from '@stratagem/core';
import {
  attachmentSupport,
  checkFlag,
  checkOptions,
  OptionError,
  RunnerError,
  TASK_OPTIONS,
} from '@stratagem/core/runner';
import { abortError, throwIfAborted } from '../util/abort.js';
import { canonicalJson } from '../util/plain-data.js';
import { requestKey, storableContentOf } from '../util/request-key.js';
import { parseRecording, type Recording } from './recording.js';

export interface ReplayOptions {
  /** The file that {@link record} has written. */
  readonly file: string;
  /**
   * Whether a response takes as long as it took when it was recorded.
   * @default false
   */
  readonly recordedLatency?: boolean | undefined;
}

/**
 * A runner that responds from a recording. A request gets its recorded response or error; a request
 * that was recorded several times gets them in order, then the last one again. Tools are not called.
 * A request that was not recorded fails; the error says how it differs from the nearest one.
 *
 * @throws {OptionError} when an option is unknown or missing.
 *
 * @example
 * const runner = replay({ file: 'test/fixtures/report.jsonl' });
 */
export function replay(options: ReplayOptions): TaskRunner {
  checkOptions('replay()', options, ['file', 'recordedLatency']);
  const { file, recordedLatency = false } = options;
  if (typeof file !== 'string' || file === '') {
    throw new OptionError('replay(): file must be the path of a file');
  }
  checkFlag('replay()', 'recordedLatency', recordedLatency);
  let reading: Promise<Map<string, Recording[]>> | undefined;
  /** How often each request was made, by its key. */
  const counts = new Map<string, number>();

  return {
    name: 'replay',
    // What was recorded may depend on them.
    readsInputs: true,
    supportsTools: true,
    // All of them are part of the request that is looked for.
    supportedOptions: [...TASK_OPTIONS, ...attachmentSupport(['*/*'])],
    async check() {
      reading ??= readRecordings(file);
      await reading;
    },
    async run(request, context) {
      throwIfAborted(context.signal);
      reading ??= readRecordings(file);
      const recordings = await reading;
      throwIfAborted(context.signal);
      // Recordings of a runner that reads the inputs have them in their keys.
      const keys = [false, true].map((readsInputs) =>
        requestKey(storableContentOf(request, readsInputs)),
      );
      const key = keys.find((each) => recordings.has(each));
      const matches = key === undefined ? undefined : recordings.get(key);
      if (key === undefined || matches === undefined) {
        throw notRecordedError(file, request, recordings);
      }
      const count = counts.get(key) ?? 0;
      counts.set(key, count + 1);
      const recording = matches[Math.min(count, matches.length - 1)] as Recording;
      if (recordedLatency) await wait(recording.durationMs, context);
      return play(recording, context);
    },
  };
}

async function play(recording: Recording, context: RunContext): Promise<TaskOutput> {
  const { parts, answer, error } = recording;
  for (const part of parts) await context.emit(part);
  if (answer !== undefined) return answer;
  const { code = 'task_failed', message = '', ...details } = error ?? {};
  throw new RunnerError(code, message, details);
}

/** @throws {RunnerError} when the file cannot be read, or a line is not a complete recording. */
async function readRecordings(file: string): Promise<Map<string, Recording[]>> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new RunnerError('invalid_request', `replay(): cannot read ${file}: ${cause.message}`, {
      cause,
    });
  });
  const recordings = new Map<string, Recording[]>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const recording = parseRecording(line);
    if (recording === undefined) {
      throw invalidRequest(
        `${file}:${index + 1} is not a complete recording; remove the line or record it again`,
      );
    }
    const known = recordings.get(recording.key);
    if (known === undefined) recordings.set(recording.key, [recording]);
    else known.push(recording);
  }
  return recordings;
}

const QUOTED_LENGTH = 60;

/** The error for a request without a recording; names the nearest one and how it differs. */
function notRecordedError(
  file: string,
  request: TaskRequest,
  recordings: ReadonlyMap<string, readonly Recording[]>,
): RunnerError {
  let nearest: Recording | undefined;
  let longest = -1;
  for (const [recording] of recordings.values()) {
    const common = commonLength(request.prompt, String(recording?.request.prompt));
    const score = recording?.taskId === request.taskId ? common + 0.5 : common;
    if (score > longest) [nearest, longest] = [recording, score];
  }
  const message = `${file} has no recording of the request of task "${request.taskId}"`;
  if (nearest === undefined) return invalidRequest(`${message}: the file is empty`);
  const recorded = String(nearest.request.prompt);
  if (recorded === request.prompt) {
    const readsInputs = !Array.isArray(nearest.request.inputs);
    const fields = Object.entries(storableContentOf(request, readsInputs)).filter(
      ([name, value]) =>
        canonicalJson(value ?? null) !== canonicalJson(nearest?.request[name] ?? null),
    );
    const names = fields.map(([name]) => name).join(', ') || 'fields';
    return invalidRequest(`${message}: the prompt was recorded, but with different ${names}`);
  }
  const at = Math.floor(longest);
  const quote = (text: string) => JSON.stringify(text.slice(at, at + QUOTED_LENGTH));
  return invalidRequest(
    `${message}. The nearest recorded prompt, of task "${nearest.taskId}", differs from ` +
      `character ${at + 1}: recorded ${quote(recorded)}, requested ${quote(request.prompt)}`,
  );
}

function invalidRequest(message: string): RunnerError {
  return new RunnerError('invalid_request', `replay(): ${message}`);
}

function commonLength(first: string, second: string): number {
  let length = 0;
  while (length < first.length && first[length] === second[length]) length++;
  return length;
}

function wait(ms: number, { signal }: RunContext): Promise<void> {
  if (signal.aborted) return Promise.reject(abortError(signal));
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(abortError(signal));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
