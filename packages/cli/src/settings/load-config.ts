import { statSync } from 'node:fs';
import { dirname, extname, isAbsolute, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { formatProblem, type PlanProblem, type PriceTable, type TaskRunner } from '@stratagem/core';
import { describe } from '@stratagem/core/runner';
import { LineCounter } from 'yaml';
import { type FileProblem, InvalidFileError, problemsIn } from '../load/invalid-file.js';
import { parseSource } from '../load/parse-source.js';
import { readSource } from '../load/read-source.js';
import { isRunnerName } from '../options/choices.js';
import { isServer } from '../options/journal-place.js';
import { parseDuration } from '../options/parse-duration.js';
import { isOwnRunner, type Profiles } from '../options/profiles.js';
import type { Amounts } from '../options/to-budget.js';
import { UsageError } from '../options/usage-error.js';
import { type ConfigValues, checkConfig } from './config-schema.js';
import type { Settings } from './settings.js';

const KIND = 'configuration';

/** A file as values, and where each of them is written. */
interface ConfigSource {
  readonly value: unknown;
  readonly lines: LineCounter;
  /** Undefined when the place is not known. */
  offsetOf(problem: Pick<PlanProblem, 'code' | 'path'>): number | undefined;
}

/**
 * Loads a configuration file. Its paths start at its folder.
 *
 * @throws {UsageError} with every problem and its place in the file.
 */
export async function loadConfig(file: string, cwd: string): Promise<Settings> {
  const name = shown(resolve(cwd, file), cwd);
  const isData = /^\.(?:ya?ml|json)$/i.test(extname(file));
  const source = isData ? await readData(file, name) : await readCode(resolve(cwd, file), name);
  const checked = checkConfig(source.value);
  if ('problems' in checked) throw invalid(name, source, checked.problems);
  return { ...toSettings(checked.values, dirname(resolve(cwd, file)), cwd), file: name };
}

async function readData(file: string, name: string): Promise<ConfigSource> {
  const { lines, source, problems } = parseSource(await readSource(file, name));
  const all = problems ?? source.problems;
  if (all.length > 0) throw new InvalidFileError(name, KIND, problemsIn(name, lines, all));
  const { value } = source as NonNullable<typeof source>;
  return { value, lines, offsetOf: (problem) => source?.offsetOf(problem) };
}

async function readCode(file: string, name: string): Promise<ConfigSource> {
  const text = await readSource(file, name);
  let module: { readonly default?: unknown };
  try {
    const url = versionOf(file);
    module = await withoutModuleWarning(() => import(url));
  } catch (error) {
    const { code } = Object(error) as NodeJS.ErrnoException;
    const why =
      code === 'ERR_UNKNOWN_FILE_EXTENSION'
        ? 'TypeScript needs Node.js 22.18 or later; use a .js or .yaml file instead'
        : describe(error);
    throw new UsageError(`${name}: cannot load: ${why}`, { cause: error });
  }
  if (module.default === undefined) {
    throw new UsageError(
      `${name}: has no default export; write: export default defineConfig({ … })`,
    );
  }
  return { value: module.default, lines: linesOf(text), offsetOf: ({ path }) => keyIn(text, path) };
}

/** When each file was loaded first. */
const loadedAt = new Map<string, number>();

/** The URL of a file: another one after a change, so that a command that watches it loads it again. */
function versionOf(file: string): string {
  const { href } = pathToFileURL(file);
  const { mtimeMs } = statSync(file);
  const first = loadedAt.get(file) ?? mtimeMs;
  loadedAt.set(file, first);
  return first === mtimeMs ? href : `${href}?${mtimeMs}`;
}

/** Where a key is written in code, if it is written once. */
function keyIn(text: string, path: PlanProblem['path']): number | undefined {
  const key = path.findLast((step) => typeof step === 'string');
  if (key === undefined) return undefined;
  const escaped = String(key).replace(/[^\w]/g, '\\$&');
  const [first, second] = [
    ...text.matchAll(new RegExp(`(?<![\\w.])['"]?${escaped}['"]?\\s*:`, 'g')),
  ];
  return second === undefined ? first?.index : undefined;
}

function linesOf(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (const { index } of text.matchAll(/\n/g)) lines.addNewLine(index + 1);
  return lines;
}

/** Node.js warns of a folder whose package.json does not say what a module is: no matter for one file. */
async function withoutModuleWarning<Result>(load: () => Promise<Result>): Promise<Result> {
  const { emitWarning } = process;
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    const [options, code] = rest;
    const isAboutModule = [code, (Object(options) as { code?: unknown }).code].includes(
      'MODULE_TYPELESS_PACKAGE_JSON',
    );
    if (!isAboutModule) Reflect.apply(emitWarning, process, [warning, ...rest]);
  }) as typeof emitWarning;
  try {
    return await load();
  } finally {
    process.emitWarning = emitWarning;
  }
}

function invalid(name: string, source: ConfigSource, problems: readonly PlanProblem[]): UsageError {
  const placed = problems.map((problem): FileProblem => {
    const offset = source.offsetOf(problem);
    const at = offset === undefined ? undefined : source.lines.linePos(offset);
    const { code } = problem;
    const place = { line: at?.line ?? null, column: at?.col ?? null };
    return { file: name, ...place, code, message: formatProblem(problem) };
  });
  return new InvalidFileError(name, KIND, placed);
}

function toSettings(values: ConfigValues, folder: string, cwd: string): Settings {
  const { limits = {}, runner, prices, models, journal, cache, mcpConfig, ...others } = values;
  const { deadline, budgetTokens, budgetCost, resources = {}, ...counts } = limits;
  const named = Object.entries(resources);
  const path = (given: string) => shown(resolve(folder, given), cwd);
  const isModule = typeof runner === 'string' && !isRunnerName(runner);
  return withoutUndefined({
    ...others,
    ...counts,
    budgetTokens: amountsOf(
      budgetTokens,
      named.map(([name, each]) => [name, each.budgetTokens]),
    ),
    budgetCost: amountsOf(
      budgetCost,
      named.map(([name, each]) => [name, each.budgetCost]),
    ),
    journal: journal && (isServer(journal) ? journal : path(journal)),
    cache: cache && path(cache),
    mcpConfig: mcpConfig && path(mcpConfig),
    runner: isModule ? resolve(folder, runner) : (runner as string | TaskRunner | undefined),
    prices: typeof prices === 'string' ? path(prices) : (prices as PriceTable | undefined),
    models: models && withPaths(models as Profiles, folder),
    deadline: deadline === undefined ? undefined : parseDuration(deadline),
  });
}

/** The amount of the whole run and those of resources; undefined without any. */
function amountsOf(
  whole: number | undefined,
  ofResources: readonly (readonly [name: string, amount: number | undefined])[],
): Amounts | undefined {
  const given = ofResources.filter(([, amount]) => amount !== undefined);
  if (whole === undefined && given.length === 0) return undefined;
  return {
    ...(whole !== undefined && { whole }),
    ...(given.length > 0 && { resources: Object.fromEntries(given) as Record<string, number> }),
  };
}

/** The modules of profiles, found from the folder of the file. */
function withPaths(models: Profiles, folder: string): Profiles {
  return Object.fromEntries(
    Object.entries(models).map(([name, profile]) => {
      const { runner } = profile;
      const isModule = typeof runner === 'string' && isOwnRunner(runner);
      return [name, isModule ? { ...profile, runner: resolve(folder, runner) } : profile];
    }),
  );
}

/** A path for messages: short when it is below the working directory. */
function shown(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short;
}

function withoutUndefined(settings: Record<string, unknown>): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}
