import type { AttemptErrorCode, OutputPart, TaskOutput, Usage } from '@stratagem/core';
import { ATTEMPT_ERROR_CODES } from '@stratagem/core/runner';

/** The version of the line format; a line of another version is invalid. */
export const RECORDING_VERSION = 1;

/** A line of a recording: a request, and its response or error. */
export interface Recording {
  readonly version: typeof RECORDING_VERSION;
  /** The hash of the request, by which it is found. */
  readonly key: string;
  readonly taskId: string;
  readonly request: Readonly<Record<string, unknown>>;
  /** The emitted parts, in order. */
  readonly parts: readonly OutputPart[];
  readonly durationMs: number;
  /** The response of a request that succeeded. */
  readonly answer?: RecordedResponse | undefined;
  /** The error of a request that failed. */
  readonly error?: RecordedError | undefined;
}

export interface RecordedResponse {
  readonly output: unknown;
  readonly usage?: Usage | undefined;
  readonly costUsd?: number | undefined;
  readonly model?: string | undefined;
  readonly requestId?: string | undefined;
  readonly citations?: TaskOutput['citations'];
  readonly serverToolCalls?: TaskOutput['serverToolCalls'];
}

export interface RecordedError {
  readonly code: AttemptErrorCode;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
  readonly isRetryable?: boolean | undefined;
  readonly status?: number | undefined;
  readonly usage?: Usage | undefined;
}

/** Parses a line; returns undefined when it is not a complete recording. */
export function parseRecording(line: string): Recording | undefined {
  try {
    const recording = JSON.parse(line) as Recording;
    const { version, key, request, parts, answer, error } = recording;
    const isComplete =
      version === RECORDING_VERSION &&
      typeof key === 'string' &&
      typeof request === 'object' &&
      Array.isArray(parts) &&
      (answer !== undefined
        ? 'output' in answer
        : ATTEMPT_ERROR_CODES.includes(error?.code as never));
    return isComplete ? recording : undefined;
  } catch {
    return undefined;
  }
}
