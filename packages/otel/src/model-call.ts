import {
  type Attributes,
  type Context,
  type HrTime,
  type Span,
  SpanKind,
} from '@opentelemetry/api';
import type { Usage } from '@stratagem/core';
import type { AttemptName, ModelCall, ModelCallResult } from '@stratagem/core/runner';
import { ATTRIBUTE, now, secondsBetween, usageAttributes } from './attributes.js';
import { finishReason, type Message } from './content.js';
import { providerOf, serverOf } from './provider.js';
import { known, type Telemetry } from './telemetry.js';

/** Severities of the data model of logs. */
const SEVERITY_INFO = 9;
const SEVERITY_WARN = 13;

/** What is known of a call before it is made. */
export type CallDetails = Pick<
  ModelCall,
  'provider' | 'model' | 'baseURL' | 'settings' | 'isJson'
> & {
  readonly step?: number | undefined;
};

/** One request to a model: a span, metrics, and an event. */
export class ModelCallSpan {
  readonly span: Span;
  readonly #telemetry: Telemetry;
  readonly #attempt: AttemptName;
  readonly #parent: Context;
  readonly #startTime: HrTime;
  /** Those that metrics have, too. */
  readonly #shared: Attributes;
  readonly #requested: Attributes;
  #input: readonly Message[] | undefined;

  constructor(
    telemetry: Telemetry,
    attempt: AttemptName,
    call: CallDetails,
    parent: Context,
    startTime: HrTime = now(),
  ) {
    this.#telemetry = telemetry;
    this.#attempt = attempt;
    this.#parent = parent;
    this.#startTime = startTime;
    const server = serverOf(call.baseURL);
    this.#shared = known({
      [ATTRIBUTE.operation]: 'chat',
      [ATTRIBUTE.provider]: providerOf(call.provider, server),
      [ATTRIBUTE.requestModel]: call.model,
      [ATTRIBUTE.serverAddress]: server?.address,
      [ATTRIBUTE.serverPort]: server?.port,
    });
    this.#requested = { ...this.#shared, ...requestAttributes(call) };
    this.span = telemetry.tracer.startSpan(
      `chat ${call.model}`,
      { kind: SpanKind.CLIENT, attributes: { ...this.#requested, ...stepOf(call) }, startTime },
      parent,
    );
  }

  sent(messages: readonly Message[]): void {
    this.#input = messages;
  }

  completed(result: ModelCallResult): void {
    const { usage, model, requestId, toolCalls = [] } = result;
    const output = this.#telemetry.contentOf(this.#attempt)?.outputMessages(result);
    const response = known({
      ...(model !== undefined && { [ATTRIBUTE.responseModel]: model }),
      [ATTRIBUTE.finishReasons]: [finishReason(toolCalls.length)],
      ...(requestId !== undefined && { [ATTRIBUTE.requestId]: requestId }),
      ...usageAttributes(usage),
    });
    this.#end(response, usage, output);
  }

  failed(error: unknown): void {
    const { usage, model, requestId } = Object(error) as Partial<ModelCallResult>;
    const type = this.#telemetry.fail(this.span, error, this.#attempt);
    const response = known({
      [ATTRIBUTE.errorType]: type,
      [ATTRIBUTE.responseModel]: model,
      [ATTRIBUTE.requestId]: requestId,
      ...usageAttributes(usage),
    });
    this.#end(response, usage, undefined, type);
  }

  #end(
    response: Attributes,
    usage: Usage | undefined,
    output: readonly Message[] | undefined,
    errorType?: string,
  ): void {
    const telemetry = this.#telemetry;
    const endTime = now();
    this.span.setAttributes(response);
    const content = {
      ...(this.#input && { [ATTRIBUTE.inputMessages]: this.#input }),
      ...(output && { [ATTRIBUTE.outputMessages]: output }),
    };
    if (telemetry.hasEvents) {
      telemetry.emit(
        'gen_ai.client.inference.operation.details',
        this.#parent,
        { ...this.#requested, ...response, ...content },
        errorType === undefined ? SEVERITY_INFO : SEVERITY_WARN,
      );
    } else {
      for (const [name, messages] of Object.entries(content)) {
        this.span.setAttribute(name, JSON.stringify(messages));
      }
    }
    const { model } = { model: response[ATTRIBUTE.responseModel] };
    const shared = known({ ...this.#shared, [ATTRIBUTE.responseModel]: model });
    const seconds = secondsBetween(this.#startTime, endTime);
    const { operationDuration, tokenUsage } = telemetry.metrics;
    const failure = errorType === undefined ? {} : { [ATTRIBUTE.errorType]: errorType };
    operationDuration.record(seconds, { ...shared, ...failure }, this.#parent);
    if (usage !== undefined) {
      const input = { ...shared, [ATTRIBUTE.tokenType]: 'input' };
      tokenUsage.record(usage.inputTokens, input, this.#parent);
      const written = { ...shared, [ATTRIBUTE.tokenType]: 'output' };
      tokenUsage.record(usage.outputTokens, written, this.#parent);
    }
    this.span.end(endTime);
  }
}

function requestAttributes({ settings = {}, isJson }: CallDetails): Attributes {
  const { temperature, topP, seed, maxOutputTokens, stopSequences } = settings;
  return known({
    [ATTRIBUTE.outputType]: isJson === undefined ? undefined : isJson ? 'json' : 'text',
    'gen_ai.request.temperature': temperature,
    'gen_ai.request.top_p': topP,
    'gen_ai.request.seed': seed,
    'gen_ai.request.max_tokens': maxOutputTokens,
    'gen_ai.request.stop_sequences': stopSequences && [...stopSequences],
  });
}

function stepOf({ step }: CallDetails): Attributes {
  return step === undefined ? {} : { [ATTRIBUTE.step]: step };
}
