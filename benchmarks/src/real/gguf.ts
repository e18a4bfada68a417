import { closeSync, openSync, writeSync } from 'node:fs';

/** A value of the metadata of a GGUF file. */
export type Metadata =
  | { readonly type: 'uint32' | 'float32'; readonly value: number }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'int32s' | 'float32s'; readonly value: readonly number[] }
  | { readonly type: 'strings'; readonly value: readonly string[] };

/** A tensor: the first dimension is contiguous. */
export interface Tensor {
  readonly name: string;
  readonly dimensions: readonly number[];
  readonly type: 'F32' | 'Q8_0';
  /** Its data. Called once, when the tensor is written. */
  readonly data: () => Uint8Array;
}

const MAGIC = 'GGUF';
const VERSION = 3;
/** The start of each tensor's data is a multiple of this many bytes: the default of the format. */
const ALIGNMENT = 32;

/** The numbers that the format has for types of metadata. */
const METADATA_TYPES = {
  uint32: 4,
  int32: 5,
  float32: 6,
  boolean: 7,
  string: 8,
  array: 9,
} as const;
/** The numbers of the types of tensors, and how many bytes a block of values takes. */
const TENSOR_TYPES = {
  F32: { number: 0, valuesPerBlock: 1, bytesPerBlock: 4 },
  Q8_0: { number: 8, valuesPerBlock: 32, bytesPerBlock: 34 },
} as const;

/** The bytes of a tensor's data. */
export function bytesOf({ name, dimensions, type }: Omit<Tensor, 'data'>): number {
  const { valuesPerBlock, bytesPerBlock } = TENSOR_TYPES[type];
  const [row = 0] = dimensions;
  if (row === 0 || row % valuesPerBlock !== 0) {
    throw new Error(
      `${name}: the first dimension must be a multiple of ${valuesPerBlock}, is ${row}`,
    );
  }
  return (valuesOf(dimensions) / valuesPerBlock) * bytesPerBlock;
}

/** The number of values of a tensor. */
export function valuesOf(dimensions: readonly number[]): number {
  return dimensions.reduce((product, each) => product * each, 1);
}

/**
 * Writes a GGUF file: header, metadata, the descriptions of the tensors, and their data.
 *
 * @throws when a tensor's data has another size than its dimensions say.
 */
export function writeGguf(
  file: string,
  metadata: Readonly<Record<string, Metadata>>,
  tensors: readonly Tensor[],
): void {
  const descriptor = openSync(file, 'w');
  try {
    const head = new Bytes();
    const entries = Object.entries(metadata);
    head.text(MAGIC).uint32(VERSION).uint64(tensors.length).uint64(entries.length);
    for (const [key, each] of entries) writeMetadata(head.string(key), each);
    let offset = 0;
    for (const tensor of tensors) {
      const { name, dimensions, type } = tensor;
      head.string(name).uint32(dimensions.length);
      for (const dimension of dimensions) head.uint64(dimension);
      head.uint32(TENSOR_TYPES[type].number).uint64(offset);
      offset = aligned(offset + bytesOf(tensor));
    }
    writeAligned(descriptor, head.toBuffer());
    for (const tensor of tensors) {
      const data = tensor.data();
      const expected = bytesOf(tensor);
      if (data.length !== expected) {
        throw new Error(
          `${tensor.name}: has ${data.length} bytes, its dimensions take ${expected}`,
        );
      }
      writeAligned(descriptor, data);
    }
  } finally {
    closeSync(descriptor);
  }
}

function aligned(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}

function writeAligned(descriptor: number, data: Uint8Array): void {
  for (let written = 0; written < data.length; ) {
    written += writeSync(descriptor, data, written);
  }
  const padding = aligned(data.length) - data.length;
  if (padding > 0) writeSync(descriptor, new Uint8Array(padding));
}

function writeMetadata(to: Bytes, { type, value }: Metadata): void {
  switch (type) {
    case 'uint32':
      to.uint32(METADATA_TYPES.uint32).uint32(value);
      break;
    case 'float32':
      to.uint32(METADATA_TYPES.float32).float32(value);
      break;
    case 'boolean':
      to.uint32(METADATA_TYPES.boolean).byte(value ? 1 : 0);
      break;
    case 'string':
      to.uint32(METADATA_TYPES.string).string(value);
      break;
    case 'int32s':
      startArray(to, METADATA_TYPES.int32, value.length);
      for (const each of value) to.int32(each);
      break;
    case 'float32s':
      startArray(to, METADATA_TYPES.float32, value.length);
      for (const each of value) to.float32(each);
      break;
    case 'strings':
      startArray(to, METADATA_TYPES.string, value.length);
      for (const each of value) to.string(each);
  }
}

function startArray(to: Bytes, elementType: number, length: number): void {
  to.uint32(METADATA_TYPES.array).uint32(elementType).uint64(length);
}

/** Bytes in little-endian order. */
class Bytes {
  readonly #parts: Buffer[] = [];

  byte(value: number): this {
    return this.#add(Buffer.of(value));
  }

  uint32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeUInt32LE(value);
    return this.#add(part);
  }

  int32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeInt32LE(value);
    return this.#add(part);
  }

  uint64(value: number): this {
    const part = Buffer.alloc(8);
    part.writeBigUInt64LE(BigInt(value));
    return this.#add(part);
  }

  float32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeFloatLE(value);
    return this.#add(part);
  }

  /** Text without its length. */
  text(value: string): this {
    return this.#add(Buffer.from(value));
  }

  string(value: string): this {
    return this.uint64(Buffer.byteLength(value)).text(value);
  }

  toBuffer(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #add(part: Buffer): this {
    this.#parts.push(part);
    return this;
  }
}
