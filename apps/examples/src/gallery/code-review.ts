import { createExecutor, createPlan, type TaskRequest, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import * as z from 'zod';

const findings = z.object({
  findings: z.array(
    z.object({ line: z.int(), severity: z.enum(['defect', 'style']), remark: z.string() }),
  ),
});

/** Reviews a diff: each file by itself, with a second look at each defect, and a summary. */
export async function run(runner: TaskRunner, diff: string) {
  const plan = createPlan('Review of a change', { inputs: z.object({ diff: z.string() }) })
    .addTask({
      id: 'files',
      run: ({ inputs }) =>
        inputs.diff.split(/^(?=diff --git )/m).map((patch) => ({
          path: /^diff --git a\/(\S+)/.exec(patch)?.[1] ?? 'unknown',
          patch,
        })),
    })
    .addTask({
      id: 'review',
      dependencies: ['files'],
      forEach: ({ files }) => files,
      prompt: ({ item }) =>
        `Review this change of ${item.path}. Report defects first.\n\n${item.patch}`,
      outputSchema: findings,
    })
    .addTask({
      id: 'defects',
      dependencies: ['files', 'review'],
      run: ({ files, review }) =>
        review.flatMap((each, n) =>
          each.status === 'failed'
            ? []
            : each.output.findings
                .filter(({ severity }) => severity === 'defect')
                .map((finding) => ({
                  ...finding,
                  path: files[n]?.path ?? '',
                  patch: files[n]?.patch ?? '',
                })),
        ),
    })
    .addTask({
      id: 'confirm',
      dependencies: ['defects'],
      forEach: ({ defects }) => defects,
      prompt: ({ item }) =>
        `Is this a defect? "${item.remark}", line ${item.line} of\n\n${item.patch}`,
      outputSchema: z.object({ isDefect: z.boolean() }),
    })
    .addTask({
      id: 'summary',
      type: 'aggregate',
      dependencies: ['defects', 'confirm'],
      run: ({ defects, confirm }) =>
        defects
          .filter((_, n) => {
            const answer = confirm[n];
            return answer?.status === 'completed' && answer.output.isDefect;
          })
          .map(({ path, line, remark }) => `${path}:${line} ${remark}`),
    });
  return await createExecutor({ strategy: parallel(), runner }).execute(plan, { inputs: { diff } });
}

/** Answers for the simulated model. */
export function respond({ taskId, prompt }: TaskRequest): unknown {
  if (taskId.startsWith('confirm')) return { isDefect: !prompt.includes('might') };
  return {
    findings: [
      { line: 3, severity: 'defect', remark: 'The limit is off by one' },
      { line: 7, severity: 'defect', remark: 'This might be slow' },
      { line: 9, severity: 'style', remark: 'Name the number' },
    ],
  };
}
