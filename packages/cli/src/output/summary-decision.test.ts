import { expect, test } from 'vitest';
import { decisionLines } from './summary-decision.js';

test('the last attempt of a failed task is drawn as failed', () => {
  const segment = (taskId: string, startMs: number, endMs: number) => ({
    ...{ taskId, part: 'work', startMs, endMs },
  });
  const analysis = {
    ...{ makespanMs: 100, counts: { total: 2 } },
    tasks: [
      { id: 'a', state: 'completed' },
      { id: 'b', state: 'failed' },
    ],
    criticalPath: {
      taskIds: ['a', 'b'],
      parts: [{ part: 'work', ms: 100 }],
      segments: [segment('a', 0, 40), segment('b', 40, 100)],
    },
  };
  const style = (format: unknown, text: string) => (text === '' ? '' : `<${format}>${text}`);
  const lines = decisionLines(analysis as never, { width: 60, style });
  expect(lines.find((line) => line.includes(' a '))).toContain('<green>');
  expect(lines.find((line) => line.includes(' b '))).toContain('<red>');
});
