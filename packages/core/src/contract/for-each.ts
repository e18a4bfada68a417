import type { TaskError } from './errors.js';

/**
 * The list that a fan-out goes over: a reference to it (`gather.documents`), or a function of the
 * outputs of the dependencies.
 */
// biome-ignore lint/suspicious/noExplicitAny: the builder types each function; here any input fits
export type ItemsSource = string | ((inputs: any) => readonly unknown[]);

/** A fan-out: one task for each element of a list. */
export type ForEach =
  | ItemsSource
  | {
      readonly items: ItemsSource;
      /**
       * The most elements; the task fails when there are more.
       * @default 1000
       */
      readonly maxItems?: number;
      /**
       * How many must succeed, or which share (`'80%'`). Those that failed stand in the output
       * beside the others.
       * @default '100%'
       */
      readonly minSuccess?: number | `${number}%`;
    };

/** What became of one element of a fan-out. */
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
  // A field that is undefined is a field left out.
  const { items, maxItems = DEFAULT_MAX_ITEMS, minSuccess = '100%' } = given;
  return { items, maxItems, minSuccess };
}

/** How many of `count` must succeed. */
export function requiredSuccesses(minSuccess: number | `${number}%`, count: number): number {
  if (typeof minSuccess === 'number') return minSuccess;
  // A hair less, so that 70% of 10 is 7 although 0.7 is not quite seven tenths.
  return Math.ceil((Number.parseFloat(minSuccess) / 100) * count - 1e-9);
}

/** Whether the list comes from a function, and does not stand in an output. */
export function isByFunction({ forEach }: { readonly forEach?: ForEach }): boolean {
  return forEach !== undefined && typeof forEachOf(forEach).items === 'function';
}
