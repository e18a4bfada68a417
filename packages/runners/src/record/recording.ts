import {
  ATTEMPT_ERROR_CODES,
  type AttemptErrorCode,
  type OutputPart,
  type Usage,
} from '@stratagem/core';

/** Written into each line; lines of another version are not read. */
export const RECORDING_VERSION = 1;

/** One request and what came of it: a line of a recording. */
export interface Recording {
  readonly version: typeof RECORDING_VERSION;
  /** Hash of the request, by which it is found again. */
  readonly key: string;
  readonly taskId: string;
  readonly request: Readonly<Record<string, unknown>>;
  /** What was emitted, in order. */
  readonly parts: readonly OutputPart[];
  readonly durationMs: number;
  /** When it was answered. */
  readonly answer?: RecordedAnswer;
  /** When it was not. */
  readonly error?: RecordedError;
}

export interface RecordedAnswer {
  readonly output: unknown;
  readonly usage?: Usage;
  readonly costUsd?: number;
  readonly model?: string;
  readonly requestId?: string;
}

export interface RecordedError {
  readonly code: AttemptErrorCode;
  readonly message: string;
  readonly retryAfterMs?: number;
  readonly status?: number;
  readonly usage?: Usage;
}

/**
 * The recording in a line.
 *
 * @returns undefined when it is none, or not whole.
 */
export function parseRecording(line: string): Recording | undefined {
  try {
    const recording = JSON.parse(line) as Recording;
    const { version, key, request, parts, answer, error } = recording;
    const isWhole =
      version === RECORDING_VERSION &&
      typeof key === 'string' &&
      typeof request === 'object' &&
      Array.isArray(parts) &&
      (answer !== undefined
        ? 'output' in answer
        : ATTEMPT_ERROR_CODES.includes(error?.code as never));
    return isWhole ? recording : undefined;
  } catch {
    return undefined;
  }
}
