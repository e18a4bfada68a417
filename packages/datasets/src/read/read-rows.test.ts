import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { rowNumberOf } from '../row-numbers.js';
import { readCsv } from './csv.js';
import { readJsonLines } from './json-lines.js';
import { type ReadRowsOptions, readRows } from './read-rows.js';

/** The text in pieces of a few bytes, so that characters and lines are cut anywhere. */
async function* pieces(text: string | Uint8Array, size = 3): AsyncGenerator<Uint8Array> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const list: Row[] = [];
  for await (const row of rows) list.push(row);
  return list;
}

async function read(
  text: string | Uint8Array,
  options: ReadRowsOptions = { format: 'csv' },
  size?: number,
): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  const file = readRows(pieces(text, size), { name: 'rows', ...options });
  for await (const row of file) rows.push({ ...row });
  return rows;
}

describe('CSV', () => {
  test.each([
    [
      'quotes, delimiters and line ends within cells',
      'a,b\n"x, ""y""","1\n2"\n',
      [['x, "y"', '1\n2']],
    ],
    ['a byte order mark', '\ufeffa,b\n1,2\n', [['1', '2']]],
    [
      'line ends of Windows, and none at the end',
      'a,b\r\n1,2\r\n3,4',
      [
        ['1', '2'],
        ['3', '4'],
      ],
    ],
    [
      'line ends of several systems',
      'a,b\r\n1,2\n3,4\r5,6',
      [
        ['1', '2'],
        ['3', '4'],
        ['5', '6'],
      ],
    ],
    ['empty lines', 'a,b\n\n1,2\n\n', [['1', '2']]],
    [
      'empty cells',
      'a,b\n,\n"",x\n',
      [
        ['', ''],
        ['', 'x'],
      ],
    ],
    [
      'formulas, as text',
      "a,b\n=cmd()|' /C calc'!A0,+1\n@SUM(1),-2\n",
      [
        ["=cmd()|' /C calc'!A0", '+1'],
        ['@SUM(1)', '-2'],
      ],
    ],
    ['characters of several bytes', 'a,b\né,🦊\n', [['é', '🦊']]],
    ['spaces', 'a , b\n x , y \n', [[' x ', ' y ']]],
  ])('keeps %s', async (_, text, expected) => {
    for (const size of [1, 3, 1_000]) {
      const rows = await read(text, { format: 'csv' }, size);
      expect(rows.map(({ a, b }) => [a, b])).toEqual(expected);
    }
  });

  test('reads cells of 10 MB', async () => {
    const cell = 'long text, '.repeat(1_000_000);
    const [row] = await read(`a,b\n"${cell}",x\n`, { format: 'csv' }, 65_536);
    expect(row?.a === cell).toBe(true);
    expect(row?.b).toBe('x');
  });

  test('gives up a row that does not end, before it fills the memory', async () => {
    let given = 0;
    async function* endless(start: string) {
      yield start;
      for (; ; given++) yield 'x'.repeat(1_000);
    }
    const csv = readCsv(endless('a,b\n1,2\n"'), 'rows', { usual: ',', maxLength: 5_000 });
    const message = /^rows, line 3: a row is too long .*: is a quote opened and never closed\?$/;
    await expect(all(csv)).rejects.toThrow(message);
    const lines = readJsonLines(endless('{}\n{"a":"'), 'rows', 5_000);
    await expect(all(lines)).rejects.toThrow('rows, line 2: a row is too long');
    // A stream reads ahead.
    expect(given).toBeLessThan(100);
  });

  test('names its columns once the header was read', async () => {
    const file = readRows(pieces('a, cafe\u0301\n'), { format: 'csv' });
    expect(file.columns).toBeUndefined();
    expect(await all(file)).toEqual([]);
    // Some systems write accents apart from their letters.
    expect(file.columns).toEqual(['a', 'caf\u00e9']);
  });

  test('takes any name of a column', async () => {
    const rows = [];
    for await (const row of readRows(pieces('__proto__,constructor\n1,2\n'), { format: 'csv' })) {
      rows.push(Object.entries(row));
    }
    expect(rows).toEqual([
      [
        ['__proto__', '1'],
        ['constructor', '2'],
      ],
    ]);
  });

  test.each([
    'a,b\n1,2\n3,4\n5"x",6\n7,8\n',
    'a,b\n1,2\n3,4\n"5"x,6\n7,8\n',
    'a,b\n1,2\n3,4\n"5,6\n7,8\n',
    'a,b\n1,2\n3,4\n5\n7,8\n',
  ])('gives the rows before a wrong one: %j', async (text) => {
    for (const size of [1, 1_000]) {
      const found: unknown[] = [];
      const take = async () => {
        const file = readRows(pieces(text, size), { format: 'csv', name: 'rows' });
        for await (const { a } of file) found.push(a);
      };
      await expect(take()).rejects.toThrow('rows, line 4: ');
      expect(found).toEqual(['1', '3']);
    }
  });

  test.each([
    ['too few cells', 'a,b\n1,2\n3\n', 'rows, line 3: has 1 cell, and the header has 2'],
    [
      'too many cells',
      'a,b\n1,2,3\n',
      'rows, line 2: has 3 cells, and the header has 2; put quotes around a cell with a delimiter',
    ],
    [
      'a quote that is never closed',
      'a,b\n"1,2\n3,4\n',
      'rows, line 2: a quote is opened and never closed',
    ],
    ['text after a quote', 'a,b\n"1"x,2\n', 'rows, line 2: text follows a closing quote'],
    [
      'a quote within a cell',
      'a,b\n1"x",2\n',
      'rows, line 2: a quote is inside a cell without quotes',
    ],
    ['an empty file', '', 'rows: is empty: its first line must have the names of the columns'],
    [
      'equal names',
      'a,b,a\n1,2,3\n',
      'line 1: the columns 1 and 3 are both called "a": rename one',
    ],
    [
      'names that look equal',
      'gro\u0308\u00dfe,gr\u00f6\u00dfe\n1,2\n',
      'line 1: the columns 1 and 2 are both called "gr\u00f6\u00dfe": rename one',
    ],
    ['a column without a name', 'a,,c\n1,2,3\n', 'rows, line 1: column 2 has no name'],
    ['another delimiter', 'a;b\n1;2\n', 'has one column, "a;b": is ";" its delimiter? Name it'],
    ['tabs', 'a\tb\n1\t2\n', 'has one column, "a\\tb": is a tab its delimiter?'],
    ['a NUL character', 'a,b\n1,2\n\0,4\n', 'rows, line 3: has a NUL character'],
  ])('names the line of %s', async (_, text, message) => {
    for (const size of [1, 1_000]) {
      await expect(read(text, { format: 'csv' }, size)).rejects.toThrow(message);
    }
  });

  test.each([
    [
      'Latin-1',
      Uint8Array.from([97, 10, 0xe9, 10]),
      'rows, line 2: is not UTF-8: save it as UTF-8',
    ],
    ['half a character at the end', Uint8Array.from([97, 10, 0xc3]), 'rows, line 2: is not UTF-8'],
    ['UTF-16', Uint8Array.from([0xff, 0xfe, 97, 0, 10, 0]), 'rows: is UTF-16, not UTF-8'],
  ])('refuses %s', async (_, bytes, message) => {
    await expect(read(bytes, { format: 'csv' }, 1_000)).rejects.toThrow(message);
  });

  test('reads any table that was written as CSV', async () => {
    const cell = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'));
    const table = fc.array(fc.tuple(cell, cell), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(table, fc.constantFrom(',', ';', '\t'), async (rows, delimiter) => {
        const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
        const lines = rows.map((cells) => cells.map(quote).join(delimiter));
        const text = [`a${delimiter}b`, ...lines].join('\r\n');
        const found = await read(text, { format: 'csv', delimiter }, 50);
        expect(found.map(({ a, b }) => [a, b])).toEqual(rows.map((cells) => [...cells]));
      }),
      { numRuns: 50 },
    );
  });
});

test('reads TSV', async () => {
  expect(await read('a\tb\n1,5\t2\n', { format: 'tsv' })).toEqual([{ a: '1,5', b: '2' }]);
});

describe('JSON Lines', () => {
  test('reads an object from each line, and passes over empty ones', async () => {
    const text = '\ufeff{"a":1}\n\n{"a":"\u2028"}\r\n  \n{"a":[true,null]}';
    expect(await read(text, { format: 'jsonl' })).toEqual([
      { a: 1 },
      { a: '\u2028' },
      { a: [true, null] },
    ]);
  });

  test.each([
    ['{"a":1}\n{"a":\n', 'rows, line 2: is not JSON: '],
    ['{}\n{"a":"b', 'rows, line 2: is not JSON: Unterminated string in JSON at column 8'],
    ['{"a":1}\n\n[1]\n', 'rows, line 3: must be an object, such as'],
    ['null\n', 'rows, line 1: must be an object'],
  ])('names the line of %j', async (text, message) => {
    await expect(read(text, { format: 'jsonl' })).rejects.toThrow(message);
  });

  test('gives rows of an empty file none', async () => {
    expect(await read('', { format: 'jsonl' })).toEqual([]);
  });
});

describe('JSON', () => {
  test('reads a list of objects as it comes', async () => {
    const list = [{ a: 1 }, { a: { b: ['x', null] } }, { a: 'é"\\' }];
    for (const size of [1, 7, 1_000]) {
      const text = ` \n${JSON.stringify(list, null, 2)}\n`;
      expect(await read(text, { format: 'json' }, size)).toEqual(list);
    }
    expect(await read('[]', { format: 'json' })).toEqual([]);
  });

  test.each([
    ['{"a":1}', 'must be a list of objects; or use .jsonl for JSON Lines'],
    ['', 'rows: is empty'],
    ['[{"a":1},2]', 'rows: row 2 must be an object'],
    ['[{"a":1},{"a":x}]', 'rows: is not JSON after row 1'],
    ['[{"a":1},{"a":2}', 'rows: ends in the middle of the list, after row 2'],
    ['[{"a":1},{"a"', 'rows: ends in the middle of the list, after row 1'],
  ])('says what is wrong with %s', async (text, message) => {
    await expect(read(text, { format: 'json' })).rejects.toThrow(message);
  });
});

describe('files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rows-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('have a format by their extension, and rows have numbers', async () => {
    const path = join(folder, 'a.NDJSON');
    writeFileSync(path, '{"a":1}\n\n{"a":2}\n');
    const file = readRows(path);
    const numbers: unknown[] = [];
    for await (const row of file) numbers.push(rowNumberOf(row));
    expect(numbers).toEqual([1, 2]);
    expect(file).toMatchObject({ format: 'jsonl', hasTextCells: false, bytesRead: 17 });
    expect(() => readRows('a.xlsx')).toThrow('the format of a.xlsx is unknown: name it');
  });

  test('that cannot be read are errors with their names', async () => {
    const missing = join(folder, 'missing.csv');
    await expect(all(readRows(missing))).rejects.toMatchObject({
      ...{ code: 'invalid_inputs', file: missing },
      message: `${missing}: there is no such file`,
    });
    const inFolder = all(readRows(folder, { format: 'csv' }));
    await expect(inFolder).rejects.toThrow(`${folder}: is a folder, not a file`);
  });

  test('are read no further than needed', async () => {
    const path = join(folder, 'long.csv');
    writeFileSync(path, `a\n${'some text\n'.repeat(200_000)}`);
    const file = readRows(path);
    for await (const _ of file) break;
    expect(file.bytesRead).toBeLessThan(1_000_000);
  });
});

test('refuses options without effect', () => {
  const { jsonl, csv } = {
    jsonl: { format: 'jsonl', delimiter: ';' },
    csv: { format: 'csv' },
  } as const;
  expect(() => readRows(pieces(''), jsonl)).toThrow('delimiter has no effect with jsonl');
  expect(() => readRows(pieces(''), { ...csv, delimiter: '"' })).toThrow('delimiter must be');
  expect(() => readRows(pieces(''))).toThrow('a stream needs a format');
});
