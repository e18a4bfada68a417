import { Graph } from '@stratagem/core/kernel';
import { type FileProblem, InvalidFileError } from '../load/invalid-file.js';
import { type LoadedPlan, type LoadOptions, loadOptions, loadPlan } from '../load/load-plan.js';
import { streamsIn } from '../load/streams-in.js';
import { resolveRunners } from '../options/resolve-runners.js';
import type { ModuleFlags } from '../options/run-flags.js';
import { UsageError } from '../options/usage-error.js';
import { canvasFor } from '../output/canvas.js';
import { EXIT } from '../output/exit-code.js';
import { jsonText } from '../output/json-text.js';
import { plural } from '../output/plural.js';
import { write } from '../output/streams.js';
import { forTerminal, onOneLine, padTo, widthOf } from '../output/terminal-text.js';
import type { Settings } from '../settings/settings.js';

export interface ValidateFlags extends ModuleFlags {
  readonly json?: boolean;
}

/** What was found about one file: a plan, or why it is none. */
interface Finding {
  readonly file: string;
  readonly loaded?: LoadedPlan;
  readonly error?: UsageError;
}

/** `stratagem validate PLAN…` */
export async function validateCommand(
  files: readonly string[],
  { json, ...flags }: ValidateFlags,
  settings: Settings,
): Promise<number> {
  const findings: Finding[] = [];
  for (const file of files) findings.push(await validate(file, loadOptions(flags, settings)));
  const [only] = findings;
  if (json) await write(process.stdout, `${jsonText(document(findings))}\n`);
  else if (only !== undefined && findings.length === 1) await printOne(only);
  else await printAll(findings);
  return findings.every(({ error }) => error === undefined) ? EXIT.completed : EXIT.usage;
}

async function validate(file: string, options: LoadOptions): Promise<Finding> {
  try {
    const loaded = await loadPlan(file, options);
    // Their options are checked by the providers.
    await resolveRunners({}, loaded.models);
    return { file, loaded };
  } catch (error) {
    if (error instanceof UsageError) return { file, error };
    throw error;
  }
}

async function printOne({ loaded, error }: Finding): Promise<void> {
  if (loaded === undefined) throw error;
  await write(process.stdout, `${onOneLine(loaded.plan.goal)}: valid (${details(loaded)})\n`);
}

/** The problems on standard error, and a line for each file on standard output. */
async function printAll(findings: readonly Finding[]): Promise<void> {
  for (const { error } of findings) {
    if (error !== undefined) await write(process.stderr, `${forTerminal(error.message)}\n\n`);
  }
  const { style, width } = canvasFor(process.stdout);
  const names = findings.map(({ file }) => onOneLine(file, Math.floor(width / 2)));
  const nameWidth = Math.max(...names.map(widthOf));
  const lines = findings.map(({ loaded, error }, position) => {
    const name = padTo(names[position] as string, nameWidth);
    const problems = error instanceof InvalidFileError ? error.problems.length : 1;
    const text =
      loaded === undefined
        ? plural(problems, 'problem')
        : `${loaded.plan.goal} (${details(loaded)})`;
    const mark = loaded === undefined ? style('red', '✗') : style('green', '✓');
    return `${mark} ${name}  ${onOneLine(text, width - nameWidth - 4)}`;
  });
  await write(process.stdout, `${lines.join('\n')}\n`);
}

function details({ plan, strategy }: LoadedPlan): string {
  const tasks = plural(new Graph(plan.tasks).size, 'task');
  const rows = streamsIn(plan.tasks).map((name) => `rows streamed from ${name}`);
  return [tasks, ...rows, ...(strategy === undefined ? [] : [strategy.name])].join(', ');
}

/** The document of `validate --json`. */
function document(findings: readonly Finding[]): object {
  return {
    valid: findings.every(({ error }) => error === undefined),
    files: findings.map(({ file, loaded, error }) => ({
      file,
      valid: error === undefined,
      goal: loaded?.plan.goal ?? null,
      tasks: loaded === undefined ? null : new Graph(loaded.plan.tasks).size,
      strategy: loaded?.strategy?.name ?? null,
      problems: error === undefined ? [] : problemsOf(file, error),
    })),
  };
}

function problemsOf(file: string, error: UsageError): readonly FileProblem[] {
  if (error instanceof InvalidFileError) return error.problems;
  return [{ file, line: null, column: null, code: 'invalid_file', message: error.message }];
}
