import { writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { UsageError } from '../options/usage-error.js';
import { COMMAND } from '../output/command-name.js';
import { examplePlan } from '../output/example-plan.js';
import { EXIT } from '../output/exit-code.js';
import { checkPlanFile } from '../output/plan-file.js';
import { shellQuote } from '../output/shell-quote.js';
import { write } from '../output/streams.js';
import { forTerminal } from '../output/terminal-text.js';

/** `stratagem init [FILE]`: writes an example plan with comments. */
export async function initCommand(file: string): Promise<number> {
  if (!/^\.ya?ml$/i.test(extname(file))) {
    throw new UsageError(`${file}: the file name must end in .yaml, because the plan has comments`);
  }
  const exists = new UsageError(
    `${file} exists already; name another file: ${COMMAND} init other.yaml`,
  );
  await checkPlanFile(file, exists);
  const quoted = shellQuote(file);
  try {
    await writeFile(file, examplePlan(quoted), { flag: 'wx' });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? exists : error;
  }
  const next = [
    ['Run it, without a key', `${COMMAND} run ${quoted}`],
    ['Run it with a model', `${COMMAND} run ${quoted} --runner openai`],
    ['See it while you edit it', `${COMMAND} watch ${quoted}`],
  ] as const;
  const width = Math.max(...next.map(([label]) => label.length));
  const lines = next.map(([label, command]) => ` ${label.padEnd(width)}   ${command}`);
  await write(process.stdout, forTerminal(`Wrote ${file}\n\n${lines.join('\n')}\n`));
  return EXIT.completed;
}
