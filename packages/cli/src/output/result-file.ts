import { randomUUID } from 'node:crypto';
import { realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Task } from '@stratagem/core';
import { isServer } from '../options/journal-place.js';
import type { FileFlags, OutputFlags } from '../options/page-flags.js';
import type { WrapperFlags } from '../options/run-flags.js';
import { UsageError } from '../options/usage-error.js';
import { hasTask } from '../run/step-options.js';
import { checkWritable, isOfDatabase, refuseDatabase } from './run-files.js';
import { write } from './streams.js';
import { forTerminal } from './terminal-text.js';

/** How the files of a journal in a folder begin. */
const JOURNAL_FILE = 'journal.db';

/** The flags of files that a command writes. */
type WrittenFlags = OutputFlags &
  FileFlags &
  Pick<WrapperFlags, 'record'> & { readonly journal?: string };

/**
 * Checks that the result can be written, and that no file takes the place of another one, before a run that
 * may take hours.
 *
 * @param inputs The files that the command reads: none of them is overwritten.
 * @throws {UsageError} naming the file.
 */
export async function checkOutput(
  flags: WrittenFlags,
  inputs: readonly (string | undefined)[] = [],
): Promise<void> {
  const { report, trace, record, journal } = flags;
  const output = fileOf(flags);
  for (const [option, file] of differentFiles({ output, report, trace, record })) {
    refuseJournal(option, file, journal);
    await refuseOverwrite(option, file, inputs);
    if (option === 'output') await checkWritable(file);
    else await refuseDatabase(file);
  }
}

/**
 * The same for one more file that the command writes at its end.
 *
 * @throws {UsageError} naming the file.
 */
export async function checkFile(
  option: string,
  file: string,
  inputs: readonly (string | undefined)[],
): Promise<void> {
  await refuseOverwrite(option, file, inputs);
  await checkWritable(file);
}

/**
 * The files of options, by the names of these.
 *
 * @throws {UsageError} when two options name the same file.
 */
export function differentFiles(
  files: Readonly<Record<string, string | undefined>>,
): [option: string, file: string][] {
  const given = Object.entries(files).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  for (const [at, [option, file]] of given.entries()) {
    const same = given.slice(0, at).find(([, other]) => resolve(other) === resolve(file));
    if (same === undefined) continue;
    throw new UsageError(`--${same[0]} and --${option} name the same file: ${file}`);
  }
  return given;
}

/** The journal may be new: then its files are not there yet. */
function refuseJournal(option: string, file: string, journal: string | undefined): void {
  if (journal === undefined || isServer(journal)) return;
  const isInside = dirname(resolve(file)) === resolve(journal);
  if (!isInside || !basename(file).startsWith(JOURNAL_FILE)) return;
  throw new UsageError(`--${option} ${file} would overwrite the journal ${journal}`);
}

/** The file of the result; undefined for standard output. */
export function fileOf({ output }: OutputFlags): string | undefined {
  return output === '-' ? undefined : output;
}

async function refuseOverwrite(
  option: string,
  file: string,
  inputs: readonly (string | undefined)[],
): Promise<void> {
  const input = await sameFile(file, inputs);
  if (input === undefined) return;
  throw new UsageError(`--${option} ${file} would overwrite ${input}, which this command reads`);
}

/** The input that a file is, also under another name. */
async function sameFile(
  file: string,
  inputs: readonly (string | undefined)[],
): Promise<string | undefined> {
  const target = await stat(file).catch(() => undefined);
  if (!target?.isFile()) return undefined;
  for (const input of inputs) {
    const read = input === undefined ? undefined : await stat(input).catch(() => undefined);
    if (read?.ino === target.ino && read.dev === target.dev) return input;
  }
  return undefined;
}

/**
 * The tasks that would save their outputs over a file that the command reads, or over a journal, as far as
 * that is known before they run.
 *
 * @param outputDir The folder that tasks save files in.
 */
export async function savesOverInputs(
  tasks: readonly Task[],
  outputDir: string,
  inputs: readonly (string | undefined)[],
): Promise<string[]> {
  const savers: (Task & { readonly save: string })[] = [];
  hasTask(tasks, (task) => {
    const { save } = task;
    if (save !== undefined && !save.includes('{{')) savers.push({ ...task, save });
    return false;
  });
  const problems = savers.map(async ({ id, save }) => {
    const file = join(outputDir, save);
    const input = await sameFile(file, inputs);
    const what = input ?? ((await isOfDatabase(file)) ? 'a database' : undefined);
    if (what === undefined) return [];
    const why = input === undefined ? 'such as a journal of runs' : 'which this command reads';
    return [`task "${id}" would save over ${what}, ${why}: use another --output-dir`];
  });
  return (await Promise.all(problems)).flat();
}

/**
 * Prints the result of a command, or writes it into the file of `--output`. A result without text leaves the
 * file as it is: it may hold an earlier one.
 */
export async function printResult(text: string, flags: OutputFlags): Promise<void> {
  const output = fileOf(flags);
  if (output === undefined) {
    await write(process.stdout, text);
    return;
  }
  const name = forTerminal(output);
  if (text === '') {
    await write(process.stderr, `There is no output: ${name} was not written\n`);
    return;
  }
  await writeAtomically(output, text);
  await write(process.stderr, `Wrote ${name}\n`);
}

/**
 * Writes a file so that a reader finds either the old content or all of the new one.
 *
 * @throws {UsageError} when the file cannot be written.
 */
export async function writeAtomically(file: string, text: string): Promise<void> {
  // A link stays, and its target is replaced.
  const target = await realpath(file).catch(() => file);
  const about = await stat(target).catch(() => undefined);
  const draft = join(dirname(target), `.${basename(target)}.${randomUUID().slice(0, 8)}`);
  try {
    // A terminal or a pipe has no name that could be taken over.
    if (about !== undefined && !about.isFile()) await writeFile(target, text);
    else {
      await writeFile(draft, text, { flag: 'wx', ...(about && { mode: about.mode }) });
      await rename(draft, target);
    }
  } catch (error) {
    await rm(draft, { force: true });
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`cannot write ${file}: ${why}`, { cause: error });
  }
}
