import {
  type Attributes,
  type Context,
  type Counter,
  type Histogram,
  metrics,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { isStratagemError } from '@stratagem/core';
import type { AttemptName } from '@stratagem/core/runner';
import { ATTRIBUTE } from './attributes.js';
import { Content } from './content.js';
import type { InstrumentOptions } from './options.js';

const SCOPE = '@stratagem/otel';

/** The buckets that the conventions ask for. */
const SECONDS = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const TOKENS = [
  1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
  67_108_864,
];

/** Errors whose message never quotes a prompt, an answer or what a function says. */
const HARMLESS: ReadonlySet<string> = new Set([
  'missing_api_key',
  'authentication',
  'permission_denied',
  'insufficient_quota',
  'rate_limited',
  'overloaded',
  'server_error',
  'timeout',
  'connection',
  'step_limit',
  'deadline_exceeded',
]);

interface Instruments {
  readonly operationDuration: Histogram;
  readonly tokenUsage: Histogram;
  readonly workflowDuration: Histogram;
  readonly toolDuration: Histogram;
  readonly attemptDuration: Histogram;
  readonly taskWait: Histogram;
  readonly cost: Counter;
}

/** Where spans, metrics and events go. */
export class Telemetry {
  readonly #options: InstrumentOptions;
  #tracer: Tracer | undefined;
  #instruments: Instruments | undefined;

  constructor(options: InstrumentOptions) {
    this.#options = options;
  }

  /** Made when it is first needed: providers may be registered after the executor is created. */
  get tracer(): Tracer {
    this.#tracer ??= (this.#options.tracerProvider ?? trace.getTracerProvider()).getTracer(SCOPE);
    return this.#tracer;
  }

  get metrics(): Instruments {
    this.#instruments ??= this.#createInstruments();
    return this.#instruments;
  }

  #createInstruments(): Instruments {
    const provider = this.#options.meterProvider ?? metrics.getMeterProvider();
    const meter = provider.getMeter(SCOPE);
    const seconds = (name: string, description: string) =>
      meter.createHistogram(name, {
        ...{ description, unit: 's', advice: { explicitBucketBoundaries: SECONDS } },
      });
    return {
      operationDuration: seconds('gen_ai.client.operation.duration', 'Duration of a model call.'),
      tokenUsage: meter.createHistogram('gen_ai.client.token.usage', {
        description: 'Number of input and output tokens used.',
        unit: '{token}',
        advice: { explicitBucketBoundaries: TOKENS },
      }),
      workflowDuration: seconds('gen_ai.invoke_agent.duration', 'Duration of a run.'),
      toolDuration: seconds('gen_ai.execute_tool.duration', 'Duration of a call of a tool.'),
      attemptDuration: seconds('stratagem.attempt.duration', 'Duration of an attempt at a task.'),
      taskWait: seconds('stratagem.task.wait', 'How long a task was ready before it started.'),
      cost: meter.createCounter('stratagem.cost', {
        description: 'Cost of attempts and of re-planning.',
        unit: '{USD}',
      }),
    };
  }

  /** Emits an event of the conventions, if somebody receives them. */
  emit(eventName: string, context: Context, attributes: object, severityNumber?: number): void {
    this.#options.logger?.emit({
      ...{ eventName, context, attributes },
      ...(severityNumber !== undefined && { severityNumber }),
    });
  }

  get hasEvents(): boolean {
    return this.#options.logger !== undefined;
  }

  get capturesContent(): boolean {
    const { captureContent = false } = this.#options;
    return captureContent !== false;
  }

  /** The content of an attempt; undefined where it must not be recorded. */
  contentOf({ hasSecrets, hide }: Secrets): Content | undefined {
    if (!this.capturesContent || (hasSecrets && hide === undefined)) return undefined;
    const { captureContent } = this.#options;
    const change = typeof captureContent === 'function' ? captureContent : (text: string) => text;
    return new Content(change, hide);
  }

  /** Marks a span as failed. The message is content, unless the error is one that quotes nothing. */
  fail(span: Span, error: unknown, secrets: Secrets): string {
    const type = errorType(error);
    span.setAttribute(ATTRIBUTE.errorType, type);
    const { message } = Object(error) as { readonly message?: unknown };
    span.setStatus({
      code: SpanStatusCode.ERROR,
      ...(typeof message === 'string' && { message: this.#shown(error, message, secrets) }),
    });
    return type;
  }

  #shown(error: unknown, message: string, secrets: Secrets): string | undefined {
    const content = this.contentOf(secrets);
    if (content !== undefined) return content.text(message);
    const isHarmless = isStratagemError(error) && HARMLESS.has(error.code);
    if (!isHarmless || (secrets.hasSecrets && secrets.hide === undefined)) return undefined;
    return secrets.hide?.(message) ?? message;
  }
}

type Secrets = Pick<AttemptName, 'hasSecrets' | 'hide'>;

/** Events of a run have no secrets. */
export const NO_SECRETS: Secrets = { hasSecrets: false };

/** The code of one of our errors, or the class of another one. */
function errorType(error: unknown): string {
  if (isStratagemError(error)) return error.code;
  return error instanceof Error ? error.constructor.name : '_OTHER';
}

/** Attributes without those that have no value. */
export function known(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
