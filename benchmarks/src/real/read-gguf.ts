/** The contents of a GGUF file, for tests of the writer. Tensor types are the numbers of the format. */
interface Gguf {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly tensors: readonly {
    readonly name: string;
    readonly dimensions: readonly number[];
    readonly type: number;
    readonly data: Buffer;
  }[];
}

const ALIGNMENT = 32;
const ARRAY = 9;
/** The bytes of a value, by the number of the tensor's type: values of a block, bytes of a block. */
const BLOCKS: Readonly<Record<number, readonly [values: number, bytes: number]>> = {
  0: [1, 4],
  8: [32, 34],
};

/** Reads the whole of a GGUF file, version 3. */
export function readGguf(file: Buffer): Gguf {
  let at = 0;
  const advance = (bytes: number) => {
    at += bytes;
    return at - bytes;
  };
  const uint32 = () => file.readUInt32LE(advance(4));
  const uint64 = () => Number(file.readBigUInt64LE(advance(8)));
  const string = () => {
    const length = uint64();
    return file.toString('utf8', advance(length), at);
  };
  const value = (type: number): unknown => {
    if (type === 4) return uint32();
    if (type === 5) return file.readInt32LE(advance(4));
    if (type === 6) return file.readFloatLE(advance(4));
    if (type === 7) return file[advance(1)] === 1;
    if (type === 8) return string();
    if (type !== ARRAY) throw new Error(`unknown type of metadata: ${type}`);
    const element = uint32();
    return Array.from({ length: uint64() }, () => value(element));
  };
  if (file.toString('latin1', 0, advance(4) + 4) !== 'GGUF') throw new Error('no GGUF file');
  if (uint32() !== 3) throw new Error('not version 3');
  const [tensorCount, metadataCount] = [uint64(), uint64()];
  const metadata = Object.fromEntries(
    Array.from({ length: metadataCount }, () => [string(), value(uint32())]),
  );
  const described = Array.from({ length: tensorCount }, () => ({
    name: string(),
    dimensions: Array.from({ length: uint32() }, uint64),
    type: uint32(),
    offset: uint64(),
  }));
  const start = Math.ceil(at / ALIGNMENT) * ALIGNMENT;
  const tensors = described.map(({ offset, ...tensor }) => {
    const [values, bytes] = BLOCKS[tensor.type] as readonly [number, number];
    if (offset % ALIGNMENT !== 0) throw new Error(`${tensor.name}: starts at ${offset}`);
    const size = (tensor.dimensions.reduce((product, each) => product * each, 1) / values) * bytes;
    const data = file.subarray(start + offset, start + offset + size);
    if (data.length !== size) throw new Error(`${tensor.name}: ends after the file`);
    return { ...tensor, data };
  });
  return { metadata, tensors };
}
