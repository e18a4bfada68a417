import type { TaskError } from './errors.js';

/**
 * The list of a fan-out: a reference to it (`gather.documents`), or a function of the
 * outputs of the dependencies.
 */
// biome-ignore lint/suspicious/noExplicitAny: the builder types each function; here any input fits
export type ItemsSource = string | ((inputs: any) => readonly unknown[]);

/** A fan-out: one task for each item of a list. */
export type ForEach =
  | ItemsSource
  | {
      /** The list: a reference such as `'list.names'`, or a function of the outputs. */
      readonly items: ItemsSource;
      /**
       * The maximum number of items; the task fails when there are more.
       * @default 1000
       */
      readonly maxItems?: number | undefined;
      /**
       * How many items must succeed, as a number or a percentage (`'80%'`). The output contains the
       * failed ones, too.
       * @default '100%'
       */
      readonly minSuccess?: number | `${number}%` | undefined;
    };

/** The result of one item of a fan-out. */
export type ItemResult<Output = unknown> =
  | { readonly id: string; readonly status: 'completed'; readonly output: Output }
  | { readonly id: string; readonly status: 'failed'; readonly error: TaskError };

const DEFAULT_MAX_ITEMS = 1_000;

/** A fan-out with its defaults filled in. */
export function forEachOf(forEach: ForEach): {
  items: ItemsSource;
  maxItems: number;
  minSuccess: number | `${number}%`;
} {
  const given = typeof forEach === 'object' ? forEach : { items: forEach };
  // An undefined field counts as left out.
  const { items, maxItems = DEFAULT_MAX_ITEMS, minSuccess = '100%' } = given;
  return { items, maxItems, minSuccess };
}

/** The hashes of lists that are known before the run, by the functions that return them. */
const contents = new WeakMap<object, string>();

/**
 * A function that returns a list which is known before the run, such as the rows of a file. Another hash
 * is a change of the plan.
 */
export function knownItems(items: readonly unknown[], hash: string): ItemsSource {
  const source = () => items;
  contents.set(source, hash);
  return source;
}

/** The hash of the list that a function returns, if it is known before the run. */
export function hashOfItems(source: unknown): string | undefined {
  return typeof source === 'function' ? contents.get(source) : undefined;
}

/** How many of `count` items must succeed. */
export function requiredSuccesses(minSuccess: number | `${number}%`, count: number): number {
  if (typeof minSuccess === 'number') return minSuccess;
  // Rounding errors must not add one: 70% of 10 is 7.
  return Math.ceil((Number.parseFloat(minSuccess) / 100) * count - 1e-9);
}

/** Whether a function makes the list; otherwise it is in an output. */
export function isByFunction({ forEach }: { readonly forEach?: ForEach | undefined }): boolean {
  return forEach !== undefined && typeof forEachOf(forEach).items === 'function';
}
