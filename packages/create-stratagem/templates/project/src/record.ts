// Asks the model once, and keeps its answers for the tests.
import { rm } from 'node:fs/promises';
import { createExecutor } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { record } from '@stratagem/runners';
import { plan } from './plan.ts';
import { runner } from './runner.ts';

const file = 'test/answers.jsonl';
await rm(file, { force: true });
const executor = createExecutor({ strategy: parallel(), runner: record(runner, { file }) });
await executor.execute(plan).orThrow();
console.log(`The answers are in ${file}.`);
