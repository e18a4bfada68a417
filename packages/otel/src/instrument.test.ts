import { metrics, trace } from '@opentelemetry/api';
import { createExecutor } from '@stratagem/core';
import { sequential } from '@stratagem/sequential';
import { expect, test } from 'vitest';
import {
  asks,
  meterProvider,
  metricNamed,
  report,
  resetTelemetry,
  spanNamed,
  tracerProvider,
} from '../test/telemetry.js';
import { instrument } from './instrument.js';

resetTelemetry();

test('providers that are registered later are used', async () => {
  const executor = createExecutor({
    ...{ strategy: sequential(), runner: asks, instrumentation: instrument() },
  });
  trace.setGlobalTracerProvider(tracerProvider);
  metrics.setGlobalMeterProvider(meterProvider);
  await executor.execute(report).orThrow();
  expect(spanNamed('chat model-1')).toBeDefined();
  expect((await metricNamed('gen_ai.client.token.usage')).dataPoints).toHaveLength(2);
});

test.each([
  [{ tracerProvider: {} }, 'tracerProvider must be an object with a method getTracer()'],
  [{ meterProvider: {} }, 'meterProvider must be an object with a method getMeter()'],
  [{ logger: console }, 'logger must be an object with a method emit()'],
  [{ captureContent: 'yes' }, 'captureContent must be true, false, or a function'],
  [{ workflowName: 7 }, 'workflowName must be a text, or a function of the plan'],
  [{ captureContents: true }, 'captureContent'],
])('refuses %j', (options, message) => {
  expect(() => instrument(options as never)).toThrow(message);
});
