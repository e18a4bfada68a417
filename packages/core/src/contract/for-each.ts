import type { TaskError } from './errors.js';

/**
 * The list of a fan-out: a reference to it (`gather.documents`), or a function of the
 * outputs of the dependencies.
 */
// biome-ignore lint/suspicious/noExplicitAny: the builder types each function; here any input fits
export type ItemsSource = string | ((inputs: any) => readonly unknown[]);

/**
 * Items that are read while the run has room for them, such as the rows of a file.
 *
 * @example
 * const reviews = { name: 'reviews.jsonl', open: () => readRows('reviews.jsonl') };
 */
export interface ItemStream<Item = unknown> {
  /** What it is called in messages, plans and reports, such as the path of the file. */
  readonly name: string;
  /**
   * Reads the items, from the first one on. A resumed run reads those again that it has, and fails the
   * fan-out if they are not the same.
   */
  readonly open: () => AsyncIterable<Item>;
}

/** Limits of a fan-out. */
interface ForEachLimits {
  /**
   * The maximum number of items; the task fails when there are more.
   * @default 1000 for a list, none for a stream
   */
  readonly maxItems?: number | undefined;
  /**
   * How many items must succeed, as a number or a percentage (`'80%'`). The output contains the
   * failed ones, too.
   * @default '100%'
   */
  readonly minSuccess?: number | `${number}%` | undefined;
}

/** A fan-out over a list, with limits. */
interface ForEachOfList extends ForEachLimits {
  /** The list: a reference such as `'list.names'`, or a function of the outputs. */
  readonly items: ItemsSource;
  readonly stream?: undefined;
}

/** A fan-out over a stream. */
interface ForEachOfStream extends ForEachLimits {
  /** Items that are read while the run has room for them. */
  readonly stream: ItemStream;
  readonly items?: undefined;
}

/** A fan-out: one task for each item of a list or a stream. */
export type ForEach = ItemsSource | ForEachOfList | ForEachOfStream;

/** The result of one item of a fan-out. */
export type ItemResult<Output = unknown> =
  | { readonly id: string; readonly status: 'completed'; readonly output: Output }
  | { readonly id: string; readonly status: 'failed'; readonly error: TaskError };

const DEFAULT_MAX_ITEMS = 1_000;

/** A fan-out with its defaults filled in. */
export function forEachOf(forEach: ForEach): {
  /** Undefined for a stream. */
  items: ItemsSource | undefined;
  maxItems: number;
  minSuccess: number | `${number}%`;
} {
  const given = typeof forEach === 'object' ? forEach : { items: forEach };
  // An undefined field counts as left out.
  const { items, minSuccess = '100%' } = given;
  const most = given.stream === undefined ? DEFAULT_MAX_ITEMS : Number.POSITIVE_INFINITY;
  return { items, maxItems: given.maxItems ?? most, minSuccess };
}

/** The stream that a fan-out reads its items from; undefined for another task. */
export function streamOf({
  forEach,
}: {
  readonly forEach?: ForEach | undefined;
}): ItemStream | undefined {
  // Graphs are also made of plans that have yet to be checked.
  return typeof forEach === 'object' ? forEach?.stream : undefined;
}

/** How many of `count` items must succeed. */
export function requiredSuccesses(minSuccess: number | `${number}%`, count: number): number {
  if (typeof minSuccess === 'number') return minSuccess;
  // Rounding errors must not add one: 70% of 10 is 7.
  return Math.ceil((Number.parseFloat(minSuccess) / 100) * count - 1e-9);
}

/** Whether a function makes the list; otherwise it is in an output, or is a stream. */
export function isByFunction({ forEach }: { readonly forEach?: ForEach | undefined }): boolean {
  return forEach !== undefined && typeof forEachOf(forEach).items === 'function';
}
