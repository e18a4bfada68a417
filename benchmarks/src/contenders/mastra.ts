import { createStep, createWorkflow } from '@mastra/core/workflows';
import { z } from 'zod';
import type { Contender } from './contender.js';

const nothing = z.object({}).passthrough();

export const mastra: Contender = {
  name: 'mastra',
  what: 'a committed workflow of parallel() or then(); other shapes are not possible',
  maxSize: (shape) => (shape === 'layered' ? 0 : 1_000),
  async run({ size, dependencies }, task) {
    const step = (index: number) =>
      createStep({
        id: `task-${index}`,
        inputSchema: nothing,
        outputSchema: nothing,
        async execute() {
          await task(index);
          return {};
        },
      });
    const steps = Array.from({ length: size }, (_, index) => step(index));
    // biome-ignore lint/suspicious/noExplicitAny: the type of a workflow changes with every step
    let workflow: any = createWorkflow({
      id: 'benchmark',
      inputSchema: nothing,
      outputSchema: nothing,
    });
    const isChain = dependencies.some((mine) => mine.length > 0);
    if (isChain) for (const one of steps) workflow = workflow.then(one);
    else workflow = workflow.parallel(steps);
    const run = await workflow.commit().createRun();
    const result = await run.start({ inputData: {} });
    if (result.status !== 'success') throw new Error(`mastra: ${result.status}`);
  },
};
