import { describe, expect, test } from 'vitest';
import { dagOf, SHAPES } from '../util/dag.js';
import { CONTENDERS } from './index.js';

describe.each(Object.keys(CONTENDERS))('%s', (name) => {
  test.each(SHAPES)('runs every task of a %s graph once, after its dependencies', async (shape) => {
    const contender = await CONTENDERS[name]?.();
    if (contender === undefined || contender.maxSize(shape) === 0) return;
    const dag = dagOf(shape, 30);
    const done = new Set<number>();
    let running = 0;
    let peak = 0;
    await contender.run(
      dag,
      async (index) => {
        peak = Math.max(peak, ++running);
        for (const dependency of dag.dependencies[index] ?? []) expect(done).toContain(dependency);
        await new Promise((resolve) => setTimeout(resolve, 1));
        expect(done).not.toContain(index);
        done.add(index);
        running--;
      },
      16,
    );
    expect(done.size).toBe(30);
    // Mastra's parallel() has no cap.
    if (name !== 'mastra') expect(peak).toBeLessThanOrEqual(16);
  });
});
