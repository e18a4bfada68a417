import { type Context, type Span, SpanKind } from '@opentelemetry/api';
import type { AttemptName, InstrumentedToolCall } from '@stratagem/core/runner';
import { ATTRIBUTE, now, secondsBetween } from './attributes.js';
import { known, type Telemetry } from './telemetry.js';

/** One call of a tool: a span and a metric. */
export class ToolCallSpan {
  readonly span: Span;
  readonly #telemetry: Telemetry;
  readonly #attempt: AttemptName;
  readonly #tool: string;
  readonly #parent: Context;
  readonly #startTime = now();

  constructor(
    telemetry: Telemetry,
    attempt: AttemptName,
    { tool, callId, input }: InstrumentedToolCall,
    parent: Context,
  ) {
    this.#telemetry = telemetry;
    this.#attempt = attempt;
    this.#tool = tool;
    this.#parent = parent;
    const content = telemetry.contentOf(attempt);
    const attributes = known({
      [ATTRIBUTE.operation]: 'execute_tool',
      [ATTRIBUTE.toolName]: tool,
      [ATTRIBUTE.toolCallId]: callId,
      [ATTRIBUTE.toolType]: 'function',
      [ATTRIBUTE.toolArguments]: content?.json(input),
    });
    this.span = telemetry.tracer.startSpan(
      `execute_tool ${tool}`,
      { kind: SpanKind.INTERNAL, attributes, startTime: this.#startTime },
      parent,
    );
  }

  /** @param result A result for a model, or the value of a tool that a task calls. */
  completed(result: unknown): void {
    const content = this.#telemetry.contentOf(this.#attempt);
    const { ok, message } = Object(result) as { readonly ok?: unknown; readonly message?: unknown };
    if (content !== undefined && result !== undefined) {
      const { text = result } = Object(result) as { readonly text?: unknown };
      this.span.setAttribute(ATTRIBUTE.toolResult, content.json(text));
    }
    // The model gets the error of a tool as a result.
    if (ok === false && typeof message === 'string') this.failed(new ToolError(message));
    else this.#end();
  }

  failed(error: unknown): void {
    this.#end(this.#telemetry.fail(this.span, error, this.#attempt));
  }

  #end(errorType?: string): void {
    const endTime = now();
    const attributes = known({
      [ATTRIBUTE.operation]: 'execute_tool',
      [ATTRIBUTE.toolName]: this.#tool,
      [ATTRIBUTE.errorType]: errorType,
    });
    const seconds = secondsBetween(this.#startTime, endTime);
    this.#telemetry.metrics.toolDuration.record(seconds, attributes, this.#parent);
    this.span.end(endTime);
  }
}

/** The error of a tool, of which only the message is known. */
class ToolError extends Error {}
