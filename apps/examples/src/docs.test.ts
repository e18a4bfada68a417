import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Plan, PlanResult } from '@stratagem/core';
import { createExecutor } from '@stratagem/core';
import { parsePlanDocument } from '@stratagem/core/document';
import { parallel } from '@stratagem/parallel';
import { simulated } from '@stratagem/simulated';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const page = await readFile(
  fileURLToPath(new URL('../../../docs/control-flow.md', import.meta.url)),
  'utf8',
);

/** The blocks of one language, by the title of their section. */
function blocksOf(language: string): [section: string, text: string][] {
  const blocks: [string, string][] = [];
  let section = '';
  for (const [, title, name, text] of page.matchAll(/^## (.+)$|^```(\w+)\n([\s\S]*?)^```$/gm)) {
    if (title !== undefined) section = title;
    else if (name === language) blocks.push([section, text as string]);
  }
  return blocks;
}

describe('the page about control flow', () => {
  test.each(blocksOf('yaml'))('shows a plan file that runs: %s', async (section, text) => {
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
    // The simulated model finds no papers, and says so.
    const expected = section === 'Goals' ? 'goal_not_achieved' : undefined;
    expect(error?.code, error?.message).toBe(expected);
    expect(status).toBe(expected === undefined ? 'completed' : 'failed');
  });

  test.each(blocksOf('ts'))('shows a program that runs: %s', async (_, text) => {
    const folder = await mkdtemp(fileURLToPath(new URL('./.docs-', import.meta.url)));
    try {
      await writeFile(`${folder}/program.mts`, text);
      const program: { plan?: Plan; result?: PlanResult } = await import(
        pathToFileURL(`${folder}/program.mts`).href
      );
      const { plan } = program;
      const executor = createExecutor({
        strategy: parallel(),
        runner: simulated({ latencyMs: 1 }),
      });
      const result = plan === undefined ? program.result : await executor.execute(plan);
      if (result !== undefined) expect(result.status, result.error?.message).toBe('completed');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('has both for most of its sections', () => {
    expect(blocksOf('yaml').length).toBeGreaterThanOrEqual(8);
    expect(blocksOf('ts').length).toBeGreaterThanOrEqual(4);
  });
});
