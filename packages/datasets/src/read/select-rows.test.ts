import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type SelectOptions, selectRows } from './select-rows.js';

const rows = Array.from({ length: 20 }, (_, index) => ({ id: String(index), stars: index % 5 }));

async function idsOf(options: SelectOptions, from: readonly object[] = rows): Promise<string[]> {
  const ids: string[] = [];
  for await (const row of selectRows(from, options)) ids.push((row as { id: string }).id);
  return ids;
}

test('where keeps the rows for which a condition holds', async () => {
  const where = { path: 'row.stars', operator: '<', value: 1 } as const;
  expect(await idsOf({ where })).toEqual(['0', '5', '10', '15']);
  const both = {
    all: [where, { not: { path: 'row.id', operator: 'contains', value: '5' } }],
  } as const;
  expect(await idsOf({ where: both })).toEqual(['0', '10']);
});

test('where compares the texts of CSV with numbers as numbers', async () => {
  const texts = rows.map(({ id, stars }) => ({ id, stars: String(stars) }));
  const where = { path: 'row.stars', operator: '>=', value: 4 } as const;
  expect(await idsOf({ where, textCells: true }, texts)).toEqual(['4', '9', '14', '19']);
  expect(await idsOf({ where }, texts)).toEqual([]);
});

test('where names the row without the value', async () => {
  const where = { path: 'row.stars', operator: '<', value: 1 } as const;
  await expect(idsOf({ where }, [{ id: 'a', stars: 3 }, { id: 'b' }])).rejects.toThrow(
    /^row 2: .*row\.stars/,
  );
});

test('where names a column that a file without rows does not have', async () => {
  const header = Object.assign([], { columns: ['text', 'stars'] });
  const value = { operator: '<', value: 1 } as const;
  expect(await idsOf({ where: { ...value, path: 'row.stars' } }, header)).toEqual([]);
  await expect(idsOf({ where: { ...value, path: 'row["star s"].a' } }, header)).rejects.toThrow(
    'there is no column "star s", which where compares. Did you mean "stars"?',
  );
});

test('where must be a condition about the row', () => {
  const value = { operator: '==', value: 1 } as const;
  expect(() => selectRows(rows, { where: { ...value, path: 'stars' } })).toThrow(
    'must be about row, such as row.stars',
  );
  expect(() => selectRows(rows, { where: { path: 'row.a', operator: '=~' } as never })).toThrow(
    'where.operator',
  );
});

test('shuffle gives the same rows in the same random order for the same seed', async () => {
  const [one, again, other] = await Promise.all([1, 1, 2].map((seed) => idsOf({ shuffle: seed })));
  expect(one).toEqual(again);
  expect(one).not.toEqual(other);
  expect(one?.toSorted()).toEqual(rows.map(({ id }) => id).toSorted());
});

test('limit keeps the first rows, or a random choice that any row may be in', async () => {
  expect(await idsOf({ limit: 3 })).toEqual(['0', '1', '2']);
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 25 }), async (shuffle, limit) => {
      const ids = await idsOf({ shuffle, limit });
      expect(ids).toHaveLength(Math.min(limit, 20));
      expect(new Set(ids).size).toBe(ids.length);
    }),
    { numRuns: 30 },
  );
  const seen = new Set<string>();
  for (let seed = 0; seed < 100; seed++)
    for (const id of await idsOf({ shuffle: seed, limit: 3 })) seen.add(id);
  expect(seen.size).toBe(20);
});

test('limit reads no further', async () => {
  let read = 0;
  function* endless() {
    for (;;) yield { id: String(read++) };
  }
  const ids: string[] = [];
  for await (const { id } of selectRows(endless(), { limit: 5 })) ids.push(id);
  expect([ids.length, read]).toEqual([5, 5]);
});
