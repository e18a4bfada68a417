import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  checkFlag,
  checkOptions,
  OptionError,
  type RunContext,
  RunnerError,
  type TaskOutput,
  type TaskRequest,
  type TaskRunner,
} from '@stratagem/core';
import { canonicalJson } from '../util/plain-data.js';
import { contentOf, keyOf } from '../util/request-key.js';
import { parseRecording, type Recording } from './recording.js';

export interface ReplayOptions {
  /** What {@link record} has written. */
  readonly file: string;
  /**
   * Whether an answer takes as long as it took when it was recorded.
   * @default false
   */
  readonly recordedLatency?: boolean;
}

/**
 * A runner that answers from a recording: the same request gets what came of it then, an error
 * included; one that was made several times, its answers in their order and then the last. Tools are
 * not called. A request that was not recorded fails, and the error says what is different.
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
  /** How often each request was made. */
  const asked = new Map<string, number>();

  return {
    name: 'replay',
    supportsTools: true,
    async run(request, context) {
      throwIfAborted(context);
      reading ??= readRecordings(file);
      const recordings = await reading;
      throwIfAborted(context);
      const key = keyOf(contentOf(request));
      const answers = recordings.get(key);
      if (answers === undefined) throw notRecorded(file, request, recordings);
      const count = asked.get(key) ?? 0;
      asked.set(key, count + 1);
      const recording = answers[Math.min(count, answers.length - 1)] as Recording;
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

/** @throws {RunnerError} when the file cannot be read, or a line of it is no recording. */
async function readRecordings(file: string): Promise<Map<string, Recording[]>> {
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
      const message = `${file}:${index + 1} is not a whole recording; remove the line, or record it again`;
      throw new RunnerError('invalid_request', `replay(): ${message}`);
    }
    const known = recordings.get(recording.key);
    if (known === undefined) recordings.set(recording.key, [recording]);
    else known.push(recording);
  }
  return recordings;
}

const SHOWN = 60;

/** Says which recorded request is nearest, and where it begins to differ. */
function notRecorded(
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
  const message = `${file} has no answer to what task "${request.taskId}" asks`;
  if (nearest === undefined) return failure(`${message}: it is empty`);
  const recorded = String(nearest.request.prompt);
  if (recorded === request.prompt) {
    const fields = Object.entries(contentOf(request)).filter(
      ([name, value]) =>
        canonicalJson(value ?? null) !== canonicalJson(nearest?.request[name] ?? null),
    );
    const names = fields.map(([name]) => name).join(', ') || 'its form';
    return failure(`${message}: the prompt was recorded, but not with the same ${names}`);
  }
  const at = Math.floor(longest);
  const show = (text: string) => JSON.stringify(text.slice(at, at + SHOWN));
  return failure(
    `${message}. The nearest recorded prompt, of task "${nearest.taskId}", differs from ` +
      `character ${at + 1} on: ${show(recorded)} there, ${show(request.prompt)} here`,
  );
}

function failure(message: string): RunnerError {
  return new RunnerError('invalid_request', `replay(): ${message}`);
}

function commonLength(first: string, second: string): number {
  let length = 0;
  while (length < first.length && first[length] === second[length]) length++;
  return length;
}

async function wait(ms: number, { signal }: RunContext): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (cause) {
    throw new RunnerError('aborted', 'the attempt was stopped', { cause });
  }
}

function throwIfAborted({ signal }: RunContext): void {
  if (!signal.aborted) return;
  throw new RunnerError('aborted', 'the attempt was stopped', { cause: signal.reason });
}
