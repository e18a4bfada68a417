import { expect, test } from 'vitest';
import { examples } from './examples.js';
import { withFastClock } from './fast-clock.js';
import { runProgram } from './program.js';
import { servicesOfPrograms } from './services.js';

/** Programs that the tests of their packages run, because they need servers of those tests. */
const RUN_BY_PACKAGES = [
  'packages/providers/anthropic/README.md: Half price',
  'packages/providers/openai/README.md: Half price',
  'packages/tools/mcp/README.md: @stratagem/mcp',
  'packages/tools/node/README.md: @stratagem/node',
];
const titleOf = ({ file, section }: { file: string; section: string }) => `${file}: ${section}`;

const services = servicesOfPrograms();
const all = examples.filter(({ language }) => language === 'ts');
const byPackages = RUN_BY_PACKAGES.map((title) => all.find((each) => titleOf(each) === title));
const programs = all.filter((each) => each.notRun === undefined && !byPackages.includes(each));

test('the programs that packages run exist, and few others are not run', () => {
  expect(byPackages).not.toContain(undefined);
  const notRun = all.filter(({ notRun }) => notRun !== undefined);
  expect(notRun.map(titleOf)).toEqual(['docs/providers.md: Tools of MCP servers']);
});

for (const example of programs)
  test(`${example.file}:${example.line} runs`, async ({ skip }) => {
    const { example: local, hasServer, problem } = await services.localise(example);
    skip(problem !== undefined, problem);
    await (hasServer ? runProgram(local) : withFastClock(() => runProgram(local)));
  });
