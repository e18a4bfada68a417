import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryJournal, type PlanResult, type TaskRequest, type TaskRunner } from '@stratagem/core';
import { type SimulatedOptions, simulated } from '@stratagem/simulated';
import * as batch from '../batch.js';
import * as dataCollection from '../data-collection.js';
import * as dependencies from '../dependencies.js';
import * as documents from '../documents.js';
import * as researchReport from '../research-report.js';
import * as articleReview from './article-review.js';
import * as codeReview from './code-review.js';
import * as invoices from './invoices.js';
import * as manyMachines from './many-machines.js';
import * as nightly from './nightly.js';
import * as searchIndex from './search-index.js';
import * as translation from './translation.js';

/** A program of the gallery, on a simulated model. */
export interface GalleryProgram {
  /** The file, relative to `src`. */
  readonly file: string;
  readonly run: (latencyMs: number) => Promise<PlanResult>;
}

const model = (latencyMs: number, respond?: SimulatedOptions['respond']): TaskRunner =>
  simulated(respond === undefined ? { latencyMs } : { latencyMs, respond });

export const DIFF = `diff --git a/src/limit.ts b/src/limit.ts
@@ -1,3 +1,3 @@
-if (n < limit) start();
+if (n <= limit) start();
diff --git a/src/queue.ts b/src/queue.ts
@@ -1,2 +1,2 @@
-queue.push(task);
+queue.unshift(task);
`;

export const TEXT = 'The kettle is quiet.\n\nIt follows the tide.\n\nFill the kettle twice a day.';

/** Vectors by the words of a text; in place of the embeddings endpoint of a provider. */
export const embed: searchIndex.Embed = async (texts) =>
  texts.map((text) => {
    const vector = new Array<number>(16).fill(0);
    for (const word of text.toLowerCase().split(/\W+/)) {
      const place = [...word].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 16, 7);
      vector[place] = (vector[place] ?? 0) + 1;
    }
    return vector;
  });

export const GALLERY: Readonly<Record<string, GalleryProgram>> = {
  batch: { file: 'batch.ts', run: (ms) => batch.run(model(ms)) },
  dependencies: { file: 'dependencies.ts', run: (ms) => dependencies.run(model(ms)) },
  'data-collection': {
    file: 'data-collection.ts',
    async run() {
      const { urls, server } = await dataCollection.startStations();
      try {
        return await dataCollection.run(urls);
      } finally {
        server.close();
      }
    },
  },
  'research-report': {
    file: 'research-report.ts',
    async run(ms) {
      const { result, error } = await researchReport.run(model(ms));
      if (result === undefined) throw error;
      return result;
    },
  },
  documents: { file: 'documents.ts', run: (ms) => documents.run(model(ms, library)) },
  'article-review': {
    file: 'gallery/article-review.ts',
    run: (ms) =>
      articleReview.run(
        model(ms, articleReview.respond),
        () => new Promise((resolve) => setTimeout(() => resolve(true), ms)),
      ),
  },
  invoices: {
    file: 'gallery/invoices.ts',
    async run(ms) {
      const folder = await mkdtemp(join(tmpdir(), 'stratagem-invoices-'));
      try {
        const files = Array.from({ length: 12 }, (_, n) => `${n + 1}.pdf`);
        for (const file of files) await writeFile(join(folder, file), '%PDF-1.7\n');
        return await invoices.run(model(ms, invoices.respond), folder, files);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  },
  'search-index': {
    file: 'gallery/search-index.ts',
    async run(ms) {
      const pages = Array.from({ length: 20 }, (_, n) => ({
        id: `page-${n}`,
        text: Array.from({ length: 8 }, (_, p) => `Passage ${p} of page ${n}.`).join('\n\n'),
      }));
      return await searchIndex.run(pages, async (texts, signal) => {
        await new Promise((resolve) => setTimeout(resolve, ms));
        return await embed(texts, signal);
      });
    },
  },
  'code-review': {
    file: 'gallery/code-review.ts',
    run: (ms) => codeReview.run(model(ms, codeReview.respond), DIFF),
  },
  translation: {
    file: 'gallery/translation.ts',
    run: (ms) => translation.run(model(ms, translation.respond), TEXT, 'German'),
  },
  nightly: {
    file: 'gallery/nightly.ts',
    run: (ms) => nightly.run(model(ms), memoryJournal(), '2026-11-30'),
  },
  'many-machines': {
    file: 'gallery/many-machines.ts',
    async run(ms) {
      const [first] = await manyMachines.run(model(ms), ['Apple', 'Bosch', 'Canon', 'Dell']);
      if (first === undefined) throw new Error('no run was carried out');
      return first.result;
    },
  },
};

function library({ taskId }: TaskRequest): unknown {
  if (taskId === 'gather') {
    return {
      documents: Array.from({ length: 10 }, (_, n) => ({ title: `Heat pumps, part ${n}` })),
    };
  }
  return taskId === 'report' ? 'The report' : { topic: 'heat pumps', relevance: 7 };
}
