import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LanguageServer } from '../../test/language-server.js';

const file = fileURLToPath(new URL('editor.ts', import.meta.url));
const text = `import { createPlan } from './plan-builder.js';
const dynamic = Math.random().toString();
const plan = createPlan('x')
  .addTask({ id: 'research', run: () => ({ markets: 3 }) })
  .addTask({ id: 'rivals', description: 'x', dependencies: ['research'] });
plan.addTask({ id: 'a', description: 'x', dependencies: ['research', 'rivls'] });
plan.addTask({ id: 'b', dependencies: ['nothing', 'research'], run: ({ research }) => research.markets });
plan.addTask({ id: 'c', dependencies: [dynamic, 'reserch'], prompt: ({ rivals }) => String(rivals) });
plan.addTask({ id: 'd', retry: {} });
`;
/** Inside the first appearance of a word. */
function placeOf(word: string) {
  const lines = text.split('\n');
  const line = lines.findIndex((each) => each.includes(word));
  return { line, character: (lines[line] as string).indexOf(word) + 1 };
}
/** Where ids are completed: inside the quotes. */
const places = ["'rivls'", "'nothing'", "'reserch'"].map(placeOf);

const server = new LanguageServer();
beforeAll(() => server.open(file, text));
afterAll(() => server.close());

test('a wrong id of a dependency is the only error of its task, and names the known ids', async () => {
  const errors = await server.errors(file, text);
  expect(errors.map(({ at }) => at)).toEqual([
    "'rivls'",
    "'nothing'",
    "'reserch'",
    "{ id: 'd', retry: {} }",
  ]);
  const [rivls, nothing, reserch, lacking] = errors.map(({ message }) => message);
  expect(rivls).toContain('NoEarlierTask<"rivls", "research" | "rivals">');
  expect(rivls).toContain(`Did you mean '"rivals"'?`);
  expect(nothing).toContain('NoEarlierTask<"nothing", "research" | "rivals">');
  expect(reserch).toContain(`Did you mean '"research"'?`);
  expect(lacking).toContain("Property 'description' is missing");
});

test('editors complete the ids of earlier tasks', async () => {
  for (const place of places) {
    expect(await server.completions(file, place)).toEqual(['research', 'rivals']);
  }
});

test.each([
  ['createPlan(', 'Starts a plan.'],
  ['dependencies', 'Ids of the tasks that must complete first'],
  ['id:', 'Unique within the plan'],
  ['retry', 'How failed attempts are repeated.'],
])('editors explain %s', async (word, words) => {
  expect(await server.hover(file, placeOf(word))).toContain(words);
});
