import { renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { folder } from '../../test/stratagem.js';
import { FileWatch } from './file-watch.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

let second = 1_700_000_000;
/** Writes a file at another time, however quick the test is. */
function write(file: string, text: string): void {
  writeFileSync(file, text);
  utimesSync(file, ++second, second);
}

async function watching(use: (file: string, changes: () => number) => void): Promise<void> {
  await using files = await folder({ 'plan.yaml': 'one' });
  const file = join(files.path, 'plan.yaml');
  let count = 0;
  const watch = new FileWatch(() => count++);
  try {
    watch.watch([file]);
    use(file, () => {
      vi.advanceTimersByTime(1_000);
      return count;
    });
    watch.close();
    write(file, 'after the end');
    vi.advanceTimersByTime(1_000);
  } finally {
    watch.close();
  }
}

test('a file that does not change is no change', () =>
  watching((_, changes) => expect(changes()).toBe(0)));

test.each<[string, (file: string) => void]>([
  ['written in place', (file) => write(file, 'two')],
  [
    'replaced by a rename, as editors do',
    (file) => {
      write(`${file}~`, 'one');
      renameSync(`${file}~`, file);
    },
  ],
  ['removed', (file) => rmSync(file)],
])('a file that is %s is one change', (_, change) =>
  watching((file, changes) => {
    change(file);
    expect(changes()).toBe(1);
    expect(changes()).toBe(1);
  }),
);

test('a file that comes back after it was missing is a change', () =>
  watching((file, changes) => {
    rmSync(file);
    expect(changes()).toBe(1);
    write(file, 'again');
    expect(changes()).toBe(2);
  }));

test('several changes in a row are one', () =>
  watching((file, changes) => {
    for (let version = 0; version < 5; version++) {
      write(file, `version ${version}`);
      vi.advanceTimersByTime(150);
    }
    expect(changes()).toBe(1);
  }));
