import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary folder, removed at the end of its `using` scope. */
export interface TestFolder extends Disposable {
  readonly path: string;
  /** A copy of the files, as a process killed at this moment would leave them. */
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
