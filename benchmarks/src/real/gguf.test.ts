import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bytesOf, type Tensor, valuesOf, writeGguf } from './gguf.js';
import { type Millions, SHAPES, writeModel } from './model.js';
import { readGguf } from './read-gguf.js';

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratagem-gguf-'));
  file = join(directory, 'model.gguf');
});

afterEach(() => rmSync(directory, { recursive: true }));

test('metadata and tensors are read back as they were written', () => {
  const ones = new Uint8Array(new Float32Array([1, 2, 3]).buffer);
  const block = Uint8Array.from({ length: 68 }, (_, index) => index);
  const tensors: Tensor[] = [
    { name: 'norm', dimensions: [3], type: 'F32', data: () => ones },
    { name: 'weights', dimensions: [32, 2], type: 'Q8_0', data: () => block },
  ];
  const metadata = {
    count: { type: 'uint32', value: 7 },
    epsilon: { type: 'float32', value: 0.5 },
    flag: { type: 'boolean', value: true },
    name: { type: 'string', value: 'größe ▁' },
    kinds: { type: 'int32s', value: [-1, 2] },
    scores: { type: 'float32s', value: [0.25, -4] },
    tokens: { type: 'strings', value: ['a', '', '▁b'] },
  } as const;
  writeGguf(file, metadata, tensors);
  const read = readGguf(readFileSync(file));
  expect(read.metadata).toEqual(
    Object.fromEntries(Object.entries(metadata).map(([key, { value }]) => [key, value])),
  );
  expect(read.tensors).toEqual([
    { name: 'norm', dimensions: [3], type: 0, data: Buffer.from(ones) },
    { name: 'weights', dimensions: [32, 2], type: 8, data: Buffer.from(block) },
  ]);
});

test.each([
  ['a row that is no whole number of blocks', [31], 34, /multiple of 32, is 31/],
  ['data of another size', [32], 33, /has 33 bytes, its dimensions take 34/],
])('%s is refused', (_, dimensions, length, problem) => {
  const data = () => new Uint8Array(length);
  const tensor = { name: 'weights', dimensions, type: 'Q8_0', data } as const;
  expect(() => writeGguf(file, {}, [tensor])).toThrow(problem);
});

test('a model has the tensors and the vocabulary that its shape says', () => {
  const shape = { width: 64, hidden: 128, layers: 2 };
  const parameters = writeModel(file, shape);
  const { metadata, tensors } = readGguf(readFileSync(file));
  expect(tensors).toHaveLength(3 + 9 * shape.layers);
  expect(tensors.reduce((sum, { dimensions }) => sum + valuesOf(dimensions), 0)).toBe(parameters);
  const tokens = metadata['tokenizer.ggml.tokens'] as string[];
  expect(new Set(tokens).size).toBe(tokens.length);
  expect(tokens.filter((token) => /^<0x[0-9A-F]{2}>$/.test(token))).toHaveLength(256);
  expect(metadata['tokenizer.ggml.scores']).toHaveLength(tokens.length);
  expect(metadata['tokenizer.ggml.token_type']).toHaveLength(tokens.length);
  expect(tensors.find(({ name }) => name === 'output.weight')?.dimensions).toEqual([
    ...[shape.width, tokens.length],
  ]);
});

test('the weights have about the deviation 1 / √inputs', () => {
  writeModel(file, { width: 64, hidden: 256, layers: 1 });
  const { tensors } = readGguf(readFileSync(file));
  for (const name of ['blk.0.attn_q.weight', 'blk.0.ffn_down.weight']) {
    const tensor = tensors.find((each) => each.name === name);
    const { data, dimensions } = tensor as NonNullable<typeof tensor>;
    const [inputs = 0] = dimensions;
    const values = dequantized(data);
    expect(values).toHaveLength(valuesOf(dimensions));
    const deviation = Math.sqrt(values.reduce((sum, each) => sum + each ** 2, 0) / values.length);
    expect(deviation * Math.sqrt(inputs)).toBeGreaterThan(0.7);
    expect(deviation * Math.sqrt(inputs)).toBeLessThan(1.45);
  }
});

/** The values of Q8_0 blocks whose scales are powers of two. */
function dequantized(data: Buffer): number[] {
  const values: number[] = [];
  for (let block = 0; block < data.length; block += 34) {
    const scale = 2 ** ((data.readUInt16LE(block) >> 10) - 15);
    for (let at = 2; at < 34; at++) values.push(data.readInt8(block + at) * scale);
  }
  return values;
}

test.each(Object.keys(SHAPES).map(Number) as Millions[])(
  'the model of %d million parameters has about as many',
  (millions) => {
    const { width, hidden, layers } = SHAPES[millions];
    const parameters = layers * (4 * width ** 2 + 3 * width * hidden);
    expect(parameters / 1e6 / millions).toBeGreaterThan(0.9);
    expect(parameters / 1e6 / millions).toBeLessThan(1.1);
    expect(() =>
      bytesOf({ name: 'down', dimensions: [hidden, width], type: 'Q8_0' }),
    ).not.toThrow();
  },
);
