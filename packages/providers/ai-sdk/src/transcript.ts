import { type RunContext, RunnerError, type TaskOutput, type Usage } from '@stratagem/core';
import { addUsage, parseRateLimits } from '@stratagem/core/provider';
import type { FinishReason, LanguageModelUsage, TextStreamPart, ToolSet } from 'ai';
import { definedOf, type Headers, type Progress, requestIdOf } from './errors.js';

type Part = TextStreamPart<ToolSet>;
type StepEnd = Extract<Part, { type: 'finish-step' }>;

/**
 * What the model says in one attempt, over all of its steps: emits it as it comes, and keeps what
 * the output of the attempt needs.
 */
export class Transcript implements Progress {
  usage: Usage | undefined;
  answering = false;
  /** How many requests were answered. */
  steps = 0;
  /** The text of the last step. */
  text = '';
  /** How many tools the last step called for us to run. */
  #calls = 0;
  #end: StepEnd | undefined;
  #isLastTold = false;
  /** Calls that the SDK did not hand to a tool, because it could not. */
  readonly #refusedCalls = new Set<string>();
  readonly #emit: RunContext['emit'];

  constructor(emit: RunContext['emit']) {
    this.#emit = emit;
  }

  /** @throws what the stream says went wrong. */
  async read(part: Part): Promise<void> {
    switch (part.type) {
      case 'start-step':
        this.answering = true;
        this.text = '';
        this.#calls = 0;
        this.#isLastTold = false;
        break;
      case 'text-delta':
        this.text += part.text;
        if (part.text !== '') await this.#emit(part.text);
        break;
      case 'tool-call':
        if (!part.providerExecuted) this.#calls++;
        if (part.invalid) await this.#refuse(part);
        break;
      case 'tool-error':
        if (this.#refusedCalls.delete(part.toolCallId)) await this.#answerRefused(part);
        break;
      case 'finish-step':
        await this.#endStep(part);
        break;
      case 'error':
        throw part.error;
      case 'abort':
        throw new Error(part.reason ?? 'the request was aborted');
    }
  }

  /** Says that there was a step, when it was not said because it looked like the only one. */
  async tellLastStep(): Promise<void> {
    if (this.#isLastTold || this.#end === undefined) return;
    this.#isLastTold = true;
    const { usage, response } = this.#end;
    await this.#emit({
      kind: 'step',
      step: this.steps,
      ...definedOf({
        usage: usageOf(usage),
        model: response.modelId,
        requestId: requestIdOf(response.headers) ?? response.id,
      }),
    });
  }

  /**
   * What came with the last answer.
   *
   * @throws {RunnerError} `refused`, `truncated`, `step_limit`, or `connection` when that is no whole
   * answer.
   */
  details(label: string, maxOutputTokens: number | undefined): Omit<TaskOutput, 'output'> {
    const { response } = this.#end ?? {};
    const headers: Headers = response?.headers;
    const details = definedOf({
      usage: this.usage,
      model: response?.modelId,
      requestId: requestIdOf(headers) ?? response?.id,
      rateLimits: parseRateLimits({ get: (name) => headers?.[name] }),
    });
    const [code, what] = this.#shortfall(maxOutputTokens) ?? [];
    if (code !== undefined) throw new RunnerError(code, `${label}${what}`, details);
    return details;
  }

  #shortfall(maxOutputTokens: number | undefined): [RunnerError['code'], string] | undefined {
    const reason: FinishReason | undefined = this.#end?.finishReason;
    if (reason === undefined || (reason === 'other' && this.#isCutOff())) {
      return ['connection', ': the stream ended before the answer was complete'];
    }
    if (reason === 'content-filter') {
      const said = this.text === '' ? '' : ` refused: ${this.text}`;
      return ['refused', said || ': the answer was withheld by the content filter'];
    }
    if (reason === 'length') {
      const limit =
        maxOutputTokens === undefined
          ? "at the model's limit of tokens"
          : `after ${maxOutputTokens} tokens; raise maxOutputTokens`;
      return ['truncated', `: the answer was cut off ${limit}`];
    }
    if (reason === 'error') return ['server_error', ': the answer failed'];
    if (this.#calls > 0) {
      const after = `after ${this.steps} requests; raise maxSteps`;
      return ['step_limit', `: the model still called tools ${after}`];
    }
    return undefined;
  }

  /** The SDK says "other" of an answer without an end; one that did end at least has its usage. */
  #isCutOff(): boolean {
    return this.#end?.rawFinishReason === undefined && usageOf(this.#end?.usage) === undefined;
  }

  async #endStep(end: StepEnd): Promise<void> {
    this.#end = end;
    this.answering = false;
    this.steps++;
    this.usage = addUsage(this.usage, usageOf(end.usage));
    if (this.steps > 1 || this.#calls > 0) await this.tellLastStep();
  }

  async #refuse({ toolCallId: callId, toolName: tool, input }: ToolPart): Promise<void> {
    this.#refusedCalls.add(callId);
    await this.#emit({ kind: 'tool_call', callId, tool, input });
  }

  async #answerRefused({
    toolCallId: callId,
    toolName: tool,
    error,
  }: ToolPart & { error: unknown }) {
    const message = error instanceof Error ? error.message : String(error);
    await this.#emit({ kind: 'tool_result', callId, tool, ok: false, message, durationMs: 0 });
  }
}

interface ToolPart {
  readonly toolCallId: string;
  readonly toolName: string;
  readonly input: unknown;
}

function usageOf(usage: LanguageModelUsage | undefined): Usage | undefined {
  const { inputTokens, outputTokens, inputTokenDetails, outputTokenDetails } = usage ?? {};
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  return {
    inputTokens: inputTokens ?? 0,
    outputTokens: outputTokens ?? 0,
    ...definedOf({
      cachedInputTokens: inputTokenDetails?.cacheReadTokens,
      cacheWriteInputTokens: inputTokenDetails?.cacheWriteTokens,
      reasoningTokens: outputTokenDetails?.reasoningTokens,
    }),
  };
}
