import {
  type Context,
  createTraceState,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
} from '@opentelemetry/api';

const TRACE_PARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** A span as the headers of the W3C, whatever propagator is registered. */
export function spanHeaders(span: SpanContext): Record<string, string> | undefined {
  if (!isSpanContextValid(span)) return undefined;
  const { traceId, spanId, traceFlags, traceState } = span;
  const flags = traceFlags.toString(16).padStart(2, '0');
  const state = traceState?.serialize();
  return {
    traceparent: `00-${traceId}-${spanId}-${flags}`,
    ...(state && { tracestate: state }),
  };
}

/** The span of headers that {@link spanHeaders} made; undefined when they have none. */
export function spanIn(headers: Readonly<Record<string, string>>): SpanContext | undefined {
  const [, traceId, spanId, flags] = TRACE_PARENT.exec(headers.traceparent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const span: SpanContext = {
    ...{ traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true },
    ...(headers.tracestate && { traceState: createTraceState(headers.tracestate) }),
  };
  return isSpanContextValid(span) ? span : undefined;
}

/** A context as headers: its span, and what the registered propagator adds, such as baggage. */
export function headersOf(context: Context): Record<string, string> {
  const span = trace.getSpanContext(context);
  const headers = { ...(span && spanHeaders(span)) };
  propagation.inject(context, headers);
  return headers;
}

/** The context of headers that came from another process. */
export function contextIn(headers: Readonly<Record<string, string>>): Context {
  const extracted = propagation.extract(ROOT_CONTEXT, headers);
  if (trace.getSpanContext(extracted) !== undefined) return extracted;
  const span = spanIn(headers);
  return span === undefined ? extracted : trace.setSpanContext(extracted, span);
}
