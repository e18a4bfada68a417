import type { RunContext, TaskOutput, Usage } from '@stratagem/core';
import {
  type AnswerEnd,
  AnswerText,
  addUsage,
  answerEndOf,
  definedFields,
  parseRateLimits,
  RunnerError,
  requireComplete,
  type ToolCall,
} from '@stratagem/core/runner';
import type { LanguageModel, TextStreamPart, ToolSet } from 'ai';
import { type AttemptProgress, type Headers, isHeartbeat, requestIdOf } from './errors.js';
import { type AiSdkOptions, labelOf, modelNameOf } from './options.js';
import { OwnTools } from './own-tools.js';
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
  /** The headers of the last response. */
  headers: Headers;
  /** The number of answered requests. */
  steps = 0;
  /** The answer of the last step. */
  #answer = new AnswerText();
  /** The tool calls in the last step, without the provider's own tools. */
  #calls: ToolCall[] = [];
  #usesOwnTools = false;
  readonly #own = new OwnTools();
  /** The text of the steps that the server paused before this one. */
  #before = '';
  /** Where each part of the text begins. */
  readonly #starts = new Map<string, number>();
  #end: StepEnd | undefined;
  #isLastReported = false;
  /** Calls that the SDK could not pass to a tool. */
  readonly #invalidCalls = new Set<string>();
  readonly #emit: RunContext['emit'];
  readonly #target: TranscriptTarget;
  /** The text and the reasoning of the last step, where nobody reads them. */
  #unread: Parameters<RunContext['emit']>[0][] = [];
  readonly #emitAnswer: RunContext['emit'];

  /** @param isRead Whether somebody reads the text of an answer that is complete. */
  constructor(emit: RunContext['emit'], target: TranscriptTarget, isRead: boolean) {
    this.#emit = emit;
    this.#target = target;
    this.#emitAnswer = isRead ? emit : (part) => void this.#unread.push(part);
  }

  /** The text of the last step. */
  get text(): string {
    return this.#before + this.#answer.text;
  }

  /** Whether nothing of an answer has arrived in the last step. */
  get isEmpty(): boolean {
    return this.#answer.raw === '' && this.#calls.length === 0;
  }

  /** Whether the server paused the last step to go on with its own tools in another request. */
  get isPaused(): boolean {
    const { serverTools } = this.#target.options;
    const runsTools = this.#usesOwnTools || serverTools !== undefined;
    return runsTools && answerEndOf(this.#end?.rawFinishReason) === 'paused';
  }

  /**
   * @throws the error that the stream contains.
   * @throws {RunnerError} `refused`, `truncated`, `overloaded`, `server_error` or `connection` when an
   * answer is not complete.
   */
  async read(part: Part): Promise<void> {
    switch (part.type) {
      case 'start-step':
        this.answering = true;
        this.#requireSupport(part.warnings);
        this.#before = this.isPaused ? this.text : '';
        if (!this.isPaused) this.#own.reset();
        this.#answer = new AnswerText(this.#emitAnswer);
        this.#unread = [];
        this.#calls = [];
        this.#usesOwnTools = false;
        this.#isLastReported = false;
        break;
      case 'text-start':
        this.#starts.set(part.id, this.text.length);
        break;
      case 'text-end':
        this.#own.addCitations(part, this.text, this.#starts.get(part.id) ?? 0);
        break;
      case 'text-delta':
        await this.#answer.add(part.text);
        break;
      case 'source':
        this.#own.addSource(part);
        break;
      case 'reasoning-delta':
        await this.#answer.reason(part.text);
        break;
      case 'tool-call':
        if (part.providerExecuted) {
          this.#usesOwnTools = true;
          this.#own.addCall(part);
        } else
          this.#calls.push({ callId: part.toolCallId, tool: part.toolName, input: part.input });
        if (part.invalid) await this.#reportInvalidCall(part);
        break;
      case 'tool-result':
        if (part.providerExecuted) this.#own.addCall(part);
        break;
      case 'tool-error':
        if (part.providerExecuted) this.#own.addCall(part);
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

  /**
   * The SDK only warns when a model does not take an option.
   *
   * @throws {RunnerError} `invalid_request` for an option of the runner or the task.
   */
  #requireSupport(warnings: Extract<Part, { type: 'start-step' }>['warnings']): void {
    const { model, options } = this.#target;
    for (const warning of warnings ?? []) {
      if (warning.type !== 'unsupported') continue;
      const { feature, details } = warning;
      const isTool = /provider.*tool|tool.*provider/.test(feature);
      if (isTool && options.serverTools !== undefined) {
        const remedy = 'use another API or package of the provider, or a tool of the task';
        const message = `${labelOf(model)} does not take serverTools: ${feature}; ${remedy}`;
        throw new RunnerError('invalid_request', message);
      }
      if (options[feature as keyof AiSdkOptions] === undefined) continue;
      const why = details === undefined ? '' : `: ${details}`;
      const message = `${labelOf(model)} does not take the option ${feature}${why}`;
      throw new RunnerError('invalid_request', message);
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
   * @throws {RunnerError} `connection` when there is none, `step_limit` when it still calls tools.
   */
  details(): Omit<TaskOutput, 'output'> {
    const details = this.#details();
    if (this.#end === undefined || this.isPaused) this.#requireComplete(this.#end);
    if (this.#calls.length === 0) return details;
    const label = labelOf(this.#target.model);
    const message = `${label}: the model still called tools after ${this.steps} requests; raise maxSteps`;
    throw new RunnerError('step_limit', message, details);
  }

  #details() {
    const { response } = this.#end ?? {};
    const headers = response?.headers;
    return definedFields({
      citations: this.#own.citations,
      serverToolCalls: this.#own.calls,
      usage: this.usage,
      costUsd: this.usage && this.costUsd,
      model: response?.modelId,
      requestId: requestIdOf(headers) ?? response?.id,
      rateLimits: parseRateLimits({ get: (name) => headers?.[name] }),
    });
  }

  /** The SDK knows few reasons, so that of the provider comes first. */
  #requireComplete({ rawFinishReason: raw, finishReason }: Partial<StepEnd> = {}): void {
    // The SDK says "other" when the provider gave no reason.
    const reason = raw || (finishReason === 'other' ? undefined : finishReason);
    const known = answerEndOf(raw);
    const end = known === undefined || known === 'unknown' ? endOfSdk(finishReason, known) : known;
    const { model, options } = this.#target;
    const { text } = this;
    const refusal = end === 'filtered' ? text : undefined;
    const details = this.#details();
    requireComplete(
      {
        ...{ text, refusal, reason, toolCalls: this.#calls, ...details },
        end: end === 'tool_calls' && this.#usesOwnTools ? 'complete' : end,
      },
      {
        label: labelOf(model),
        model: modelNameOf(model),
        maxOutputTokens: options.maxOutputTokens,
      },
    );
  }

  async #endStep(end: StepEnd): Promise<void> {
    this.#end = end;
    this.answering = false;
    this.steps++;
    this.usage = addUsage(this.usage, stepUsage(end.usage));
    const costUsd = stepCost(end);
    this.costUsd =
      this.costUsd === undefined || costUsd === undefined ? undefined : this.costUsd + costUsd;
    await this.#answer.end();
    this.#own.addGrounding(end, this.text);
    if (this.steps > 1 || this.#calls.length > 0) await this.reportLastStep();
    try {
      if (!this.isPaused) this.#requireComplete(end);
    } catch (thrown) {
      // The log keeps the text of an answer that is not complete.
      for (const part of this.#unread) await this.#emit(part);
      throw thrown;
    }
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

/** The end of an answer in the words of the SDK, which says "other" for the rest. */
function endOfSdk(
  reason: StepEnd['finishReason'] | undefined,
  raw: AnswerEnd | undefined,
): AnswerEnd | undefined {
  return reason === 'other' ? raw : answerEndOf(reason);
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
