import type { AttemptErrorCode, RunnerError, RunnerErrorDetails } from '@stratagem/core';
import {
  ATTEMPT_ERROR_CODES,
  describe,
  isStratagemError,
  TRANSIENT_ERROR_CODES,
} from '@stratagem/core/runner';

/** The error code of an attempt that failed with this error. */
export function codeOf(thrown: unknown): AttemptErrorCode {
  const code = isStratagemError(thrown) ? thrown.code : undefined;
  return ATTEMPT_ERROR_CODES.find((each) => each === code) ?? 'task_failed';
}

/** A message may quote a whole response; combined messages have room for less. */
const MAX_MESSAGE = 300;

/** The message of an error, shortened so that it can be quoted in another message. */
export function messageOf(thrown: unknown): string {
  const message = isStratagemError(thrown) ? thrown.message : describe(thrown);
  return message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE)}…`;
}

/** How many tries a failed request used: a wrapped runner may have made several. */
export function triesOf(thrown: unknown): number {
  const { tries } = detailsOf(thrown);
  return Number.isInteger(tries) && (tries as number) > 0 ? (tries as number) : 1;
}

/** Usage, status and the other details of an error; empty for a foreign error. */
export function detailsOf(thrown: unknown): RunnerErrorDetails {
  return isStratagemError(thrown) ? (thrown as RunnerError) : {};
}

/** Whether the same request may succeed a moment later. */
export function isTransient(thrown: unknown): boolean {
  return TRANSIENT_ERROR_CODES.includes(codeOf(thrown));
}
