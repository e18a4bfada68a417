import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary folder for one measurement; `await using` removes it. */
export async function benchFolder() {
  const path = await mkdtemp(join(tmpdir(), 'stratagem-bench-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
