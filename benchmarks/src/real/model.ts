import { randomFrom } from '../util/random.js';
import { bytesOf, type Metadata, type Tensor, valuesOf, writeGguf } from './gguf.js';
import { vocabulary } from './vocabulary.js';

/** The shape of a model of the llama architecture. */
interface Shape {
  readonly width: number;
  readonly layers: number;
  /** The width of the hidden layer of each feed-forward network. */
  readonly hidden: number;
}

/** Models by millions of parameters. */
export const SHAPES = {
  10: { width: 320, hidden: 896, layers: 8 },
  40: { width: 512, hidden: 1536, layers: 12 },
  80: { width: 768, hidden: 2048, layers: 11 },
} as const satisfies Readonly<Record<number, Shape>>;

export type Millions = keyof typeof SHAPES;

/** The tokens of a prompt with its answer. */
export const CONTEXT = 512;
const HEAD = 64;

/**
 * Writes a model of the llama architecture with random weights in Q8_0. Its answers mean nothing; they take the
 * time that those of a trained model with this shape would take.
 *
 * @returns the number of its parameters.
 */
export function writeModel(file: string, shape: Shape, seed = 1): number {
  const tensors = tensorsOf(shape, seed);
  writeGguf(file, metadataOf(shape), tensors);
  return tensors.reduce((sum, { dimensions }) => sum + valuesOf(dimensions), 0);
}

function metadataOf({ width, layers, hidden }: Shape): Record<string, Metadata> {
  const { tokens, scores, kinds, unknown, start, end } = vocabulary();
  const count = (value: number) => ({ type: 'uint32', value }) as const;
  const text = (value: string) => ({ type: 'string', value }) as const;
  return {
    'general.architecture': text('llama'),
    'general.name': text('random weights'),
    // Most tensors are Q8_0.
    'general.file_type': count(7),
    'llama.vocab_size': count(tokens.length),
    'llama.context_length': count(CONTEXT),
    'llama.embedding_length': count(width),
    'llama.block_count': count(layers),
    'llama.feed_forward_length': count(hidden),
    'llama.attention.head_count': count(width / HEAD),
    'llama.attention.head_count_kv': count(width / HEAD),
    'llama.attention.layer_norm_rms_epsilon': { type: 'float32', value: 1e-5 },
    'llama.rope.dimension_count': count(HEAD),
    'tokenizer.ggml.model': text('llama'),
    'tokenizer.ggml.tokens': { type: 'strings', value: tokens },
    'tokenizer.ggml.scores': { type: 'float32s', value: scores },
    'tokenizer.ggml.token_type': { type: 'int32s', value: kinds },
    'tokenizer.ggml.unknown_token_id': count(unknown),
    'tokenizer.ggml.bos_token_id': count(start),
    'tokenizer.ggml.eos_token_id': count(end),
    'tokenizer.ggml.add_bos_token': { type: 'boolean', value: true },
  };
}

function tensorsOf({ width, layers, hidden }: Shape, seed: number): Tensor[] {
  const random = randomFrom(seed);
  const matrix = (name: string, from: number, to: number): Tensor => {
    const tensor = { name: `${name}.weight`, dimensions: [from, to], type: 'Q8_0' } as const;
    return { ...tensor, data: () => randomBlocks(bytesOf(tensor), from, random) };
  };
  const ones = (name: string): Tensor => ({
    ...{ name: `${name}.weight`, dimensions: [width], type: 'F32' },
    data: () => new Uint8Array(new Float32Array(width).fill(1).buffer),
  });
  const { length } = vocabulary().tokens;
  return [
    matrix('token_embd', width, length),
    ...Array.from({ length: layers }, (_, layer) => `blk.${layer}.`).flatMap((layer) => [
      ones(`${layer}attn_norm`),
      matrix(`${layer}attn_q`, width, width),
      matrix(`${layer}attn_k`, width, width),
      matrix(`${layer}attn_v`, width, width),
      matrix(`${layer}attn_output`, width, width),
      ones(`${layer}ffn_norm`),
      matrix(`${layer}ffn_gate`, width, hidden),
      matrix(`${layer}ffn_up`, width, hidden),
      matrix(`${layer}ffn_down`, hidden, width),
    ]),
    ones('output_norm'),
    matrix('output', width, length),
  ];
}

const BLOCK_BYTES = 34;
/** The deviation of whole numbers that are drawn evenly from -127 to 127. */
const DEVIATION = 73;

/**
 * Blocks of Q8_0: a scale as a half-precision float, then 32 signed bytes. The scale is the power of two next to
 * the usual deviation of weights, 1 / √inputs.
 */
function randomBlocks(length: number, inputs: number, random: () => number): Uint8Array {
  const exponent = Math.round(-Math.log2(DEVIATION * Math.sqrt(inputs)));
  const scale = (exponent + 15) << 10;
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = Math.floor(random() * 255) - 127;
  for (let block = 0; block < length; block += BLOCK_BYTES) {
    bytes[block] = scale & 0xff;
    bytes[block + 1] = scale >> 8;
  }
  return bytes;
}
