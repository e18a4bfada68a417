import { createExecutor, createPlan, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import * as z from 'zod';

const invoice = z.object({
  supplier: z.string(),
  date: z.iso.date(),
  currency: z.string().length(3),
  total: z.number(),
});

/** Reads PDF invoices with a model, checks the figures, and adds them up by supplier. */
export async function run(runner: TaskRunner, directory: string, files: readonly string[]) {
  const plan = createPlan('Totals of invoices', {
    inputs: z.object({ files: z.array(z.string()) }),
  })
    .addTask({
      id: 'read',
      // A scan that cannot be read does not cost the others.
      forEach: { items: 'inputs.files', minSuccess: '90%' },
      description: 'Copy supplier, date, currency and total of this invoice. Do not guess.',
      attachments: ['{{item}}'],
      outputSchema: invoice,
      retry: { maxAttempts: 3, on: ['invalid_output', 'rate_limited', 'overloaded', 'timeout'] },
    })
    .addTask({
      id: 'totals',
      type: 'aggregate',
      dependencies: ['read'],
      run({ read }) {
        const totals: Record<string, number> = {};
        for (const each of read) {
          if (each.status === 'failed') continue;
          const { supplier, total } = each.output;
          totals[supplier] = (totals[supplier] ?? 0) + total;
        }
        return totals;
      },
    });
  const executor = createExecutor({
    strategy: parallel({ maxParallel: 8 }),
    runner,
    attachments: { directory },
  });
  return await executor.execute(plan, { inputs: { files } });
}

/** An answer for the simulated model. */
export function respond(): z.infer<typeof invoice> {
  return { supplier: 'Kettle Works', date: '2026-11-30', currency: 'EUR', total: 12.5 };
}
