import { describe, RunnerError } from '../contract/errors.js';
import type { OutputPart } from '../contract/output-part.js';
import type { AttemptResult, TaskOutput } from '../contract/runner.js';
import type { SecretTexts } from '../contract/secret-texts.js';
import type { ApprovalRequest } from '../contract/tool-approval.js';
import { type KeepOptions, keep } from '../contract/value.js';
import type { RunSettings } from './settings.js';

/** What outputs of a run may contain. */
export interface OutputLimits extends KeepOptions {
  readonly secretTexts?: SecretTexts | undefined;
}

/** Whether an output is a text of a run without secrets, as most are. A character takes at most six bytes. */
export function isPlainText(output: unknown, limits: RunSettings): boolean {
  return (
    typeof output === 'string' &&
    limits.secretTexts === undefined &&
    6 * output.length <= limits.maxBytes
  );
}

/**
 * Makes the output of an attempt one that nobody can change any more.
 *
 * @throws {RunnerError} `invalid_output`, with what the attempt has cost.
 */
export function keepResult(given: AttemptResult, limits: OutputLimits): AttemptResult {
  const { secretTexts } = limits;
  const result = withoutSecrets(given, limits);
  const { output } = result;
  const isNumber = typeof output === 'number' && secretTexts === undefined;
  if (output === undefined || isNumber || typeof output === 'boolean') {
    return result;
  }
  try {
    const kept = keep(secretTexts?.value(output) ?? output, limits);
    return kept === output ? result : { ...result, output: kept };
  } catch (thrown) {
    throw withDetails(invalid('its output has', thrown), result);
  }
}

/** What the answer says beside its output: searches and code may repeat the prompt. */
function withoutSecrets(result: AttemptResult, { secretTexts }: OutputLimits): AttemptResult {
  const { citations, serverToolCalls } = result;
  if (secretTexts === undefined || (citations ?? serverToolCalls) === undefined) return result;
  return {
    ...result,
    ...(citations && { citations: secretTexts.value(citations) }),
    ...(serverToolCalls && { serverToolCalls: secretTexts.value(serverToolCalls) }),
  };
}

/** @throws {RunnerError} `invalid_output` */
export function keepPart(part: OutputPart, limits: OutputLimits): OutputPart {
  try {
    return keep(part, limits) as OutputPart;
  } catch (thrown) {
    throw invalid('it reported a part with', thrown);
  }
}

/** @throws {RunnerError} `invalid_output` */
export function keepRequest(request: ApprovalRequest, limits: OutputLimits): ApprovalRequest {
  try {
    const clean = limits.secretTexts?.value(request) ?? request;
    // Its key is made of a name and a hash, in which a short secret may occur by chance.
    return keep({ ...clean, key: request.key }, limits) as ApprovalRequest;
  } catch (thrown) {
    throw invalid(`the input of the tool "${request.tool}" has`, thrown);
  }
}

/** Adds what an answer has cost to the error that refuses it: it has been paid for all the same. */
export function withDetails<T extends object>(thrown: T, answer: Omit<TaskOutput, 'output'>): T {
  const { usage, costUsd, model, requestId, rateLimits } = answer;
  return Object.assign(thrown, { usage, costUsd, model, requestId, rateLimits });
}

function invalid(what: string, thrown: unknown): RunnerError {
  return new RunnerError('invalid_output', `${what} ${describe(thrown)}`);
}
