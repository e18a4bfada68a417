import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Plan, PlanResult } from '@stratagem/core';
import { createExecutor } from '@stratagem/core';
import { parsePlanDocument } from '@stratagem/core/document';
import { parallel } from '@stratagem/parallel';
import { simulated } from '@stratagem/simulated';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const at = (page: string) => fileURLToPath(new URL(`../../../${page}`, import.meta.url));

/** The code blocks in one language on a page, with the title of their section. */
async function blocksOf(
  name: string,
  language: string,
): Promise<[section: string, text: string][]> {
  const page = await readFile(at(name), 'utf8');
  const blocks: [string, string][] = [];
  let section = '';
  for (const [, title, written, text] of page.matchAll(/^## (.+)$|^```(\w+)\n([\s\S]*?)^```$/gm)) {
    if (title !== undefined) section = title;
    else if (written === language && !LEFT_OUT.includes(section))
      blocks.push([section, text as string]);
  }
  return blocks;
}

const pages = [
  'docs/control-flow.md',
  'docs/limits.md',
  'docs/providers.md',
  'docs/planning.md',
  'docs/simulation.md',
  'docs/journal.md',
  'docs/many-machines.md',
  'docs/adaptive.md',
  'packages/runners/README.md',
];
/** Sections whose programs write files. */
const LEFT_OUT = ['record and replay'];

test('docs/steps.md shows plan files and tasks that are valid', async () => {
  const blocks = await blocksOf('docs/steps.md', 'yaml');
  expect(blocks).toHaveLength(2);
  for (const [, text] of blocks) {
    const given: unknown = parse(text);
    const gather = { id: 'gather', description: 'x' };
    parsePlanDocument(Array.isArray(given) ? { goal: 'x', tasks: [gather, ...given] } : given);
  }
});

/** The files that a program attaches. */
async function writeInvoices(folder: string): Promise<void> {
  await mkdir(folder);
  await writeFile(`${folder}/1.pdf`, '%PDF-1.7\n');
  await writeFile(`${folder}/2.png`, Buffer.from('89504e470d0a1a0a', 'hex'));
}

describe.each(pages)('%s', async (page) => {
  const [files, programs] = await Promise.all([blocksOf(page, 'yaml'), blocksOf(page, 'ts')]);

  test.each(files)('shows a plan file that runs: %s', async (section, text) => {
    const { plan } = parsePlanDocument(parse(text));
    const run = createExecutor({
      strategy: parallel(),
      runner: simulated({ latencyMs: 1 }),
    }).execute(plan, {
      onEvent(event) {
        if (event.type === 'task_waiting') queueMicrotask(() => run.approve(event.taskId));
      },
    });
    const { status, error } = await run;
    // The simulated model finds no papers.
    const expected = section === 'Goals' ? 'goal_not_achieved' : undefined;
    expect(error?.code, error?.message).toBe(expected);
    expect(status).toBe(expected === undefined ? 'completed' : 'failed');
  });

  test.each(programs)('shows a program that runs: %s', async (_, text) => {
    const folder = await mkdtemp(fileURLToPath(new URL('./.docs-', import.meta.url)));
    try {
      await writeFile(`${folder}/program.mts`, text);
      await writeInvoices(`${folder}/invoices`);
      const program: { plan?: Plan; result?: PlanResult } = await import(
        pathToFileURL(`${folder}/program.mts`).href
      );
      const { plan } = program;
      const executor = createExecutor({
        strategy: parallel(),
        runner: simulated({ latencyMs: 1 }),
        attachments: { directory: folder },
      });
      const result = plan === undefined ? program.result : await executor.execute(plan);
      if (result !== undefined) expect(result.status, result.error?.message).toBe('completed');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('shows at least two of them', () => {
    expect(files.length + programs.length).toBeGreaterThanOrEqual(2);
  });
});
