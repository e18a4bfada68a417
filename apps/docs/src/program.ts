import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createExecutor, type Plan, type PlanResult } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import { simulated } from '@stratagem/simulated';
import { expect } from 'vitest';
import type { Example } from './examples.js';

/**
 * Runs a program of a page in a folder of its own. A plan that it exports is executed, and a result that it
 * exports must be complete.
 */
export async function runProgram({ setup, code, after }: Example): Promise<void> {
  const folder = await mkdtemp(join(import.meta.dirname, '.docs-'));
  const before = process.cwd();
  const listeners = process.listeners('SIGTERM');
  process.chdir(folder);
  try {
    await writeFile(join(folder, 'program.mts'), setup + code + after);
    // The files that a program attaches.
    await mkdir(join(folder, 'invoices'));
    await writeFile(join(folder, 'invoices/1.pdf'), '%PDF-1.7\n');
    await writeFile(join(folder, 'invoices/2.png'), Buffer.from('89504e470d0a1a0a', 'hex'));
    const url = pathToFileURL(join(folder, 'program.mts')).href;
    const program: { plan?: Plan; result?: PlanResult } = await import(url);
    const executor = createExecutor({
      strategy: parallel(),
      runner: simulated({ latencyMs: 1 }),
      attachments: { directory: folder },
    });
    const { plan } = program;
    const result = plan === undefined ? program.result : await executor.execute(plan);
    if (result !== undefined) expect(result.status, result.error?.message).toBe('completed');
  } finally {
    for (const each of process.listeners('SIGTERM')) {
      if (!listeners.includes(each)) process.off('SIGTERM', each);
    }
    process.chdir(before);
    await rm(folder, { recursive: true });
  }
}
