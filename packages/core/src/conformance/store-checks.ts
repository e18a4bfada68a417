import { isStratagemError } from '../contract/errors.js';
import type { EventData, Journal } from '../contract/journal.js';
import { assert, type ConformanceCase } from './case.js';

/** What journals, queues of runs and shared limits have in common. */
interface Store {
  close(): void | Promise<void>;
}

/** The cases, each with a store of its own that is closed at the end. */
export function casesOf<S extends Store>(
  cases: Readonly<Record<string, (store: S) => Promise<void>>>,
  create: () => S | Promise<S>,
): ConformanceCase[] {
  return Object.entries(cases).map(([name, prove]) => ({
    name,
    async run() {
      const store = await create();
      try {
        await prove(store);
      } finally {
        await store.close();
      }
    },
  }));
}

export async function all(journal: Journal, runId: string): Promise<EventData[]> {
  const events: EventData[] = [];
  for await (const each of journal.read(runId)) events.push(each);
  return events;
}

/** @throws {Error} when two values differ; the order of fields does not matter. */
export function same(actual: unknown, expected: unknown): void {
  const [is, must] = [canonical(actual), canonical(expected)];
  if (is === must) return;
  let at = 0;
  while (is[at] === must[at]) at++;
  const around = (text: string) => text.slice(Math.max(0, at - 40), at + 80);
  throw new Error(`it returned …${around(is)}… instead of …${around(must)}…`);
}

/** JSON with sorted fields. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, each: unknown) => {
      if (typeof each !== 'object' || each === null || Array.isArray(each)) return each;
      // A field named __proto__ must remain a field.
      const sorted = Object.create(null) as Record<string, unknown>;
      for (const key of Object.keys(each).sort()) {
        sorted[key] = (each as Record<string, unknown>)[key];
      }
      return sorted;
    }) ?? 'undefined'
  );
}

/** @throws {Error} when a call does not reject with this code. */
export async function refuses(code: string, call: () => unknown): Promise<void> {
  try {
    await call();
  } catch (error) {
    const actual = isStratagemError(error) ? error.code : String(error);
    assert(actual === code, `it rejected with ${actual} instead of ${code}`);
    return;
  }
  throw new Error(`it did not reject with ${code}`);
}

/**
 * A listener whose calls are awaited.
 *
 * @param subscribe Adds it, and returns what removes it.
 */
export function listen(subscribe: (wake: () => void) => () => void) {
  let calls = 0;
  let wake = () => {};
  const end = subscribe(() => {
    calls++;
    wake();
  });
  return {
    /** Resolves when it is called. */
    async isCalledAfter(cause: () => unknown): Promise<void> {
      const called = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await cause();
      await called;
    },
    /** Removes it, and checks that it is called no longer. */
    async isSilentAfter(cause: () => unknown): Promise<void> {
      end();
      const before = calls;
      await cause();
      assert(calls === before, 'it called a listener that was removed');
    },
  };
}
