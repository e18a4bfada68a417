import { createPlan } from '@stratagem/core';

/** Tasks that depend on nothing run at once; the others get the outputs of those that they name. */
export const plan = createPlan('Decide whether to open a shop')
  .addTask({
    id: 'market',
    description: 'In three sentences: who buys refurbished bicycles in a city, and why?',
  })
  .addTask({
    id: 'costs',
    description: 'In three sentences: what does a small bicycle workshop cost each month?',
  })
  .addTask({
    id: 'decision',
    description: 'Should we open a shop? Weigh {{market}} against {{costs}}. Answer with a reason.',
    dependencies: ['market', 'costs'],
  });
