import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contextIn, headersOf, spanHeaders, spanIn } from './trace-context.js';

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map((digits) => digits.join(''))
    .filter((text) => /[1-9a-f]/.test(text));

test('a span is the same after it was written as headers and read again', () => {
  fc.assert(
    fc.property(
      hex(32),
      hex(16),
      fc.integer({ min: 0, max: 255 }),
      (traceId, spanId, traceFlags) => {
        const span = { traceId, spanId, traceFlags };
        expect(spanIn(spanHeaders(span) ?? {})).toEqual({ ...span, isRemote: true });
        const context = trace.setSpanContext(ROOT_CONTEXT, span);
        expect(trace.getSpanContext(contextIn(headersOf(context)))).toMatchObject(span);
      },
    ),
    { numRuns: 200 },
  );
});

test.each<Record<string, string>>([
  {},
  { traceparent: '' },
  { traceparent: `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01` },
  { traceparent: 'ff-x' },
])('headers without a valid span have none: %j', (headers) => {
  expect(spanIn(headers)).toBeUndefined();
  expect(trace.getSpanContext(contextIn(headers))).toBeUndefined();
});
