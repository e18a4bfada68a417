import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of a test's own; gone with `using`. */
export interface TestFolder extends Disposable {
  readonly path: string;
  /** The files as they are now, as a process that is killed leaves them. */
  image(): TestFolder;
}

export function testFolder(): TestFolder {
  const path = mkdtempSync(join(tmpdir(), 'stratagem-sqlite-'));
  return {
    path,
    image() {
      const copy = testFolder();
      cpSync(path, copy.path, { recursive: true });
      return copy;
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
