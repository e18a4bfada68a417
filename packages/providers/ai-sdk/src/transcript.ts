import { type RunContext, RunnerError, type TaskOutput, type Usage } from '@stratagem/core';
import {
  type AnswerEnd,
  addUsage,
  definedFields,
  parseRateLimits,
  requireComplete,
} from '@stratagem/core/runner';
import type { LanguageModel, TextStreamPart, ToolSet } from 'ai';
import { type AttemptProgress, isHeartbeat, requestIdOf } from './errors.js';
import { type AiSdkOptions, labelOf, modelNameOf } from './options.js';
import { stepCost, stepUsage } from './usage.js';

type Part = TextStreamPart<ToolSet>;
type StepEnd = Extract<Part, { type: 'finish-step' }>;

/**
 * The answers of one attempt, over all of its steps. It emits their text, and keeps the parts that
 * the output of the attempt needs.
 */
export class Transcript implements AttemptProgress {
  usage: Usage | undefined;
  /** The cost that the provider stated; undefined once it did not. */
  costUsd: number | undefined = 0;
  answering = false;
  /** The number of answered requests. */
  steps = 0;
  /** The text of the last step. */
  text = '';
  /** The number of tool calls in the last step, without the provider's own tools. */
  #calls = 0;
  #end: StepEnd | undefined;
  #isLastReported = false;
  /** Calls that the SDK could not pass to a tool. */
  readonly #invalidCalls = new Set<string>();
  readonly #emit: RunContext['emit'];

  constructor(emit: RunContext['emit']) {
    this.#emit = emit;
  }

  /** @throws the error that the stream contains. */
  async read(part: Part): Promise<void> {
    switch (part.type) {
      case 'start-step':
        this.answering = true;
        this.text = '';
        this.#calls = 0;
        this.#isLastReported = false;
        break;
      case 'text-delta':
        this.text += part.text;
        if (part.text !== '') await this.#emit(part.text);
        break;
      case 'tool-call':
        if (!part.providerExecuted) this.#calls++;
        if (part.invalid) await this.#reportInvalidCall(part);
        break;
      case 'tool-error':
        if (this.#invalidCalls.delete(part.toolCallId)) await this.#reportCallError(part);
        break;
      case 'finish-step':
        await this.#endStep(part);
        break;
      case 'error':
        if (isHeartbeat(part.error)) break;
        throw part.error;
      case 'abort':
        throw new Error(part.reason ?? 'the request was aborted');
    }
  }

  /** Reports the last step, unless that has been done. A single step is not reported. */
  async reportLastStep(): Promise<void> {
    if (this.#isLastReported || this.#end === undefined) return;
    this.#isLastReported = true;
    const { usage, response } = this.#end;
    await this.#emit({
      kind: 'step',
      step: this.steps,
      ...definedFields({
        usage: stepUsage(usage),
        model: response.modelId,
        requestId: requestIdOf(response.headers) ?? response.id,
      }),
    });
  }

  /**
   * The details of the last answer.
   *
   * @throws {RunnerError} `refused`, `truncated`, `step_limit`, `server_error` or `connection` when
   * that answer is not complete.
   */
  details({ model, options }: TranscriptTarget): Omit<TaskOutput, 'output'> {
    const { response } = this.#end ?? {};
    const headers = response?.headers;
    const details = definedFields({
      usage: this.usage,
      costUsd: this.usage && this.costUsd,
      model: response?.modelId,
      requestId: requestIdOf(headers) ?? response?.id,
      rateLimits: parseRateLimits({ get: (name) => headers?.[name] }),
    });
    const { maxOutputTokens } = options;
    const label = labelOf(model);
    const end = this.#answerEnd();
    const refusal = end === 'filtered' ? this.text : undefined;
    const target = { label, model: modelNameOf(model), maxOutputTokens };
    requireComplete({ text: this.text, end, refusal, ...details }, target);
    if (this.#calls === 0) return details;
    const message = `${label}: the model still called tools after ${this.steps} requests; raise maxSteps`;
    throw new RunnerError('step_limit', message, details);
  }

  #answerEnd(): AnswerEnd | undefined {
    const reason = this.#end?.finishReason;
    switch (reason) {
      case undefined:
        return undefined;
      case 'other':
        return this.#isCutOff() ? undefined : 'complete';
      case 'content-filter':
        return 'filtered';
      case 'length':
        return 'truncated';
      case 'error':
        return 'failed';
      default:
        return 'complete';
    }
  }

  /** The SDK reports "other" for an answer without an end. A complete one has at least its usage. */
  #isCutOff(): boolean {
    return this.#end?.rawFinishReason === undefined && stepUsage(this.#end?.usage) === undefined;
  }

  async #endStep(end: StepEnd): Promise<void> {
    this.#end = end;
    this.answering = false;
    this.steps++;
    this.usage = addUsage(this.usage, stepUsage(end.usage));
    const costUsd = stepCost(end);
    this.costUsd =
      this.costUsd === undefined || costUsd === undefined ? undefined : this.costUsd + costUsd;
    if (this.steps > 1 || this.#calls > 0) await this.reportLastStep();
  }

  async #reportInvalidCall({ toolCallId: callId, toolName: tool, input }: ToolPart): Promise<void> {
    this.#invalidCalls.add(callId);
    await this.#emit({ kind: 'tool_call', callId, tool, input });
  }

  async #reportCallError({
    toolCallId: callId,
    toolName: tool,
    error,
  }: ToolPart & { error: unknown }) {
    const message = error instanceof Error ? error.message : String(error);
    await this.#emit({ kind: 'tool_result', callId, tool, ok: false, message, durationMs: 0 });
  }
}

interface TranscriptTarget {
  readonly model: LanguageModel;
  readonly options: AiSdkOptions;
}

interface ToolPart {
  readonly toolCallId: string;
  readonly toolName: string;
  readonly input: unknown;
}
