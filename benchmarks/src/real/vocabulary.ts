/** The words of prompts. Each is one token. */
export const WORDS: readonly string[] = [
  ...['answer', 'article', 'batch', 'between', 'brief', 'change', 'check', 'city', 'clear'],
  ...['compare', 'cost', 'data', 'describe', 'each', 'engine', 'every', 'example', 'explain'],
  ...['fact', 'find', 'first', 'from', 'graph', 'history', 'large', 'limit', 'line', 'list'],
  ...['market', 'measure', 'model', 'number', 'order', 'paper', 'plan', 'point', 'price'],
  ...['question', 'reason', 'report', 'result', 'river', 'sample', 'server', 'short', 'small'],
  ...['source', 'summary', 'table', 'task', 'that', 'the', 'time', 'tokens', 'value', 'water'],
  ...['which', 'with', 'word', 'write', 'year'],
];

/** The mark of a space in SentencePiece vocabularies. */
const SPACE = '▁';

/** The kinds of tokens, as GGUF numbers them. */
const KINDS = { normal: 1, unknown: 2, control: 3, byte: 6 } as const;

interface Vocabulary {
  readonly tokens: readonly string[];
  readonly scores: readonly number[];
  readonly kinds: readonly number[];
  readonly unknown: number;
  readonly start: number;
  readonly end: number;
}

/**
 * A small SentencePiece vocabulary: three special tokens, all bytes for text that is in no other token, letters
 * and digits, and the words. The tokenizer joins pairs of tokens, so the beginnings of the words are tokens too.
 */
export function vocabulary(): Vocabulary {
  const tokens = ['<unk>', '<s>', '</s>'];
  const kinds: number[] = [KINDS.unknown, KINDS.control, KINDS.control];
  for (let byte = 0; byte < 256; byte++) {
    tokens.push(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
    kinds.push(KINDS.byte);
  }
  const bytes = tokens.length;
  const pieces = new Set<string>([SPACE, ...'abcdefghijklmnopqrstuvwxyz0123456789.,']);
  for (const word of WORDS) {
    for (let length = 1; length <= word.length; length++) {
      pieces.add(`${SPACE}${word.slice(0, length)}`);
    }
  }
  for (const piece of pieces) {
    tokens.push(piece);
    kinds.push(KINDS.normal);
  }
  // A pair with a higher score is joined first: longer tokens come first here.
  const scores = tokens.map((token, index) => (index < bytes ? 0 : token.length - 100));
  return { tokens, kinds, scores, unknown: 0, start: 1, end: 2 };
}
