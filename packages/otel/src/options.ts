import type { Context, MeterProvider, TracerProvider } from '@opentelemetry/api';
import { OptionError, type Plan } from '@stratagem/core';
import { checkOptions } from '@stratagem/core/runner';

export interface InstrumentOptions {
  /** @default the one that is registered with `@opentelemetry/api` */
  readonly tracerProvider?: TracerProvider | undefined;
  /** @default the one that is registered with `@opentelemetry/api` */
  readonly meterProvider?: MeterProvider | undefined;
  /**
   * Receives the events of the conventions, such as `gen_ai.client.inference.operation.details`: a `Logger`
   * of `@opentelemetry/api-logs`. Captured content is in these events then, and not in spans.
   * @default no events
   */
  readonly logger?: EventLogger | undefined;
  /**
   * Records prompts, answers, the input and the results of tools, the goal of the plan, and messages that
   * may quote them. A function changes or shortens each text first. Values of secret inputs are never
   * recorded.
   * @default false
   */
  readonly captureContent?: boolean | ((text: string) => string) | undefined;
  /**
   * The name of the workflow, which should be one of few: the goal of a plan may be anything.
   * @default runs have no name
   */
  readonly workflowName?: string | ((plan: Plan) => string | undefined) | undefined;
}

/** What is used of a `Logger` of `@opentelemetry/api-logs`. */
export interface EventLogger {
  emit(record: {
    readonly eventName: string;
    readonly context?: Context | undefined;
    readonly severityNumber?: number | undefined;
    // biome-ignore lint/suspicious/noExplicitAny: each version of the API has another type of values
    readonly attributes?: any;
  }): void;
}

/** @throws {OptionError} when an option is unknown or has the wrong type. */
export function checkInstrumentOptions(options: InstrumentOptions): void {
  checkOptions('instrument()', options, [
    'tracerProvider',
    'meterProvider',
    'logger',
    'captureContent',
    'workflowName',
  ]);
  const { tracerProvider, meterProvider, logger, captureContent, workflowName } = options;
  checkMethod('tracerProvider', tracerProvider, 'getTracer');
  checkMethod('meterProvider', meterProvider, 'getMeter');
  checkMethod('logger', logger, 'emit');
  if (!['undefined', 'boolean', 'function'].includes(typeof captureContent)) {
    throw new OptionError(
      'instrument(): captureContent must be true, false, or a function of a text',
    );
  }
  if (!['undefined', 'string', 'function'].includes(typeof workflowName)) {
    throw new OptionError('instrument(): workflowName must be a text, or a function of the plan');
  }
}

function checkMethod(name: string, value: object | undefined, method: string): void {
  const given = (value as Readonly<Record<string, unknown>> | undefined)?.[method];
  if (value === undefined || typeof given === 'function') return;
  throw new OptionError(`instrument(): ${name} must be an object with a method ${method}()`);
}
