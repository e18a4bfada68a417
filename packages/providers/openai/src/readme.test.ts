import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BATCH_OPTIONS } from '@stratagem/core/batch';
import { batchServer, readmeConformance } from '@stratagem/test-kit';
import { expect } from 'vitest';
import { BatchApi } from '../test/batch-api.js';
import { type OpenAIBatchOptions, openaiBatch } from './index.js';
import { OPENAI_OPTIONS } from './options.js';

const server = batchServer('/v1');

readmeConformance({
  file: new URL('../README.md', import.meta.url),
  options: { Options: OPENAI_OPTIONS, 'Half price': BATCH_OPTIONS },
  program: {
    section: 'Half price',
    async run(execute) {
      const folder = await mkdtemp(join(tmpdir(), 'stratagem-'));
      const api = new BatchApi();
      api.outcome = () => ({
        response: {
          status_code: 200,
          body: { choices: [{ message: { content: 'High.' }, finish_reason: 'stop' }] },
        },
      });
      server.serve(api.routes);
      const printed = await execute({
        openaiBatch: (options: OpenAIBatchOptions) =>
          openaiBatch({
            ...{ apiKey: 'sk-test', baseURL: server.url, batchWindowMs: 100, pollMs: 20 },
            ...options,
            stateFile: join(folder, options.stateFile ?? ''),
          }),
      });
      expect(printed).toEqual(['High.']);
      expect(api.jobs.map((job) => job.length)).toEqual([3]);
      await rm(folder, { recursive: true });
    },
  },
});
