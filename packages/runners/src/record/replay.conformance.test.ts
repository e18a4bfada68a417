import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runnerConformance } from '@stratagem/core/testing';
import { simulated } from '@stratagem/simulated';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { failure, scripted } from '../../test/scripted.js';
import { record } from './record.js';
import { replay } from './replay.js';

let directory: string;
const fileOf = (name: string) => join(directory, `${name}.jsonl`);

/** A recording of all that the cases ask, made by asking it once. */
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'replay-conformance-'));
  const cases = runnerConformance(
    () => record(simulated({ latencyMs: 1 }), { file: fileOf('answers') }),
    {
      failing: () => record(scripted('a', failure('overloaded')), { file: fileOf('failures') }),
    },
  );
  for (const { run } of cases) await run();
});

afterAll(() => rm(directory, { recursive: true }));

describe('replay of a recording', () => {
  const cases = runnerConformance(() => replay({ file: fileOf('answers') }), {
    failing: () => replay({ file: fileOf('failures') }),
  });
  for (const { name, run } of cases) test(name, run);
});
