import { expect, test } from 'vitest';
import { describeOrigin } from './describe-origin.js';

test('the origin of a fork in words: the event, and all that is different', () => {
  expect(describeOrigin({ runId: 'one', sequence: 7 })).toBe('run one at event 7');
  const origin = {
    ...{ sequence: 7, tasks: ['report'], inputs: ['a', 'b', 'c', 'd', 'e', 'f'] },
    changes: {
      tasks: [
        { taskId: 'mail', kind: 'changed', fields: ['description', 'when'] },
        { taskId: 'more', kind: 'added', fields: [] },
        { taskId: 'old', kind: 'removed', fields: [] },
      ],
      settings: ['goal'],
    },
  } as const;
  expect(describeOrigin(origin)).toBe(
    'at event 7: runs "report" again, other value of "a", "b", "c", "d", "e" and 1 more, ' +
      'changed "mail" (description, when), added "more", removed "old", changed goal of the plan',
  );
});
