import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for one measurement; gone with `await using`. */
export async function benchFolder() {
  const path = await mkdtemp(join(tmpdir(), 'stratagem-bench-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
