import type { Histogram } from '@opentelemetry/sdk-metrics';
import { describe, expect, test } from 'vitest';
import { asks, executorWith, metricNamed, report, resetTelemetry } from '../test/telemetry.js';

resetTelemetry();

describe('metrics', () => {
  test('count tokens and durations by the conventions', async () => {
    await executorWith({ runner: asks }).execute(report).orThrow();
    const usage = await metricNamed('gen_ai.client.token.usage');
    const points = usage.dataPoints.map(({ attributes, value }) => [
      attributes['gen_ai.token.type'],
      (value as { sum?: number }).sum,
    ]);
    expect(points).toEqual([
      ['input', 10],
      ['output', 5],
    ]);
    expect(usage.descriptor.unit).toBe('{token}');
    const duration = await metricNamed('gen_ai.client.operation.duration');
    expect(duration.descriptor.unit).toBe('s');
    expect(duration.dataPoints.map(({ attributes }) => attributes)).toEqual([
      {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'own',
        'gen_ai.request.model': 'model-1',
        'gen_ai.response.model': 'model-1-2026',
      },
    ]);
    const { boundaries } = (duration.dataPoints[0] as { value: Histogram }).value.buckets;
    expect(boundaries[0]).toBe(0.01);
    const cost = await metricNamed('stratagem.cost');
    expect(cost.dataPoints.map(({ value }) => value)).toEqual([0.25]);
    for (const name of ['gen_ai.invoke_agent.duration', 'gen_ai.execute_tool.duration']) {
      expect((await metricNamed(name)).dataPoints).toHaveLength(1);
    }
    const attempts = await metricNamed('stratagem.attempt.duration');
    expect((attempts.dataPoints[0] as { value: Histogram }).value.count).toBe(2);
  });
});
