import { createExecutor, createPlan, type TaskRequest, type TaskRunner } from '@stratagem/core';
import { parallel } from '@stratagem/parallel';
import * as z from 'zod';

const glossary = z.object({ terms: z.array(z.object({ source: z.string(), target: z.string() })) });

/** Translates paragraphs at the same time, with one glossary for all, and lists broken terms. */
export async function run(runner: TaskRunner, text: string, language: string) {
  const paragraphs = text.split(/\n\n+/);
  const plan = createPlan(`Translation into ${language}`)
    .addTask({
      id: 'glossary',
      prompt: () =>
        `List the technical terms of this text with their ${language} translation.\n\n${text}`,
      outputSchema: glossary,
    })
    .addTask({
      id: 'translate',
      dependencies: ['glossary'],
      forEach: () => paragraphs,
      prompt({ item, glossary: { terms } }) {
        const lines = terms.map(({ source, target }) => `${source} = ${target}`).join('\n');
        return `Translate into ${language}. Use these terms:\n${lines}\n\nText:\n${item}`;
      },
    })
    .addTask({
      id: 'check',
      type: 'aggregate',
      dependencies: ['glossary', 'translate'],
      run({ glossary: { terms }, translate }) {
        const translated = translate.map((each) =>
          each.status === 'completed' ? String(each.output) : '',
        );
        const broken = terms.filter(({ source, target }) =>
          paragraphs.some((each, n) => each.includes(source) && !translated[n]?.includes(target)),
        );
        return { text: translated.join('\n\n'), broken: broken.map(({ source }) => source) };
      },
    });
  return await createExecutor({ strategy: parallel({ maxParallel: 8 }), runner }).execute(plan);
}

/** Answers for the simulated model, which forgets one term. */
export function respond({ taskId, prompt }: TaskRequest): unknown {
  if (taskId !== 'glossary') return prompt.split('Text:\n')[1]?.replaceAll('kettle', 'Kessel');
  const terms = [
    { source: 'kettle', target: 'Kessel' },
    { source: 'tide', target: 'Gezeit' },
  ];
  return { terms };
}
