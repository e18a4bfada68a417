import { createHash } from 'node:crypto';
import { basename, extname, resolve } from 'node:path';
import {
  type Executor,
  type ExecutorOptions,
  isStratagemError,
  type Journal,
  type RunOptions,
} from '@stratagem/core';
import {
  bindRows,
  type DatasetMap,
  type MapOptions,
  type MapQuestion,
  type MapSummary,
  mapDataset,
  openRowsFile,
  outputNamesOf,
  type RowsFile,
} from '@stratagem/datasets';
import { loadInputs } from '../load/load-inputs.js';
import type { LoadedPlan } from '../load/load-plan.js';
import { isJournalError, journalErrorToUsageError, openJournal } from '../load/open-journal.js';
import { openRows, type RowSource } from '../load/row-source.js';
import type { MapFlags } from '../options/map-flags.js';
import { resolveBatch } from '../options/resolve-batch.js';
import { toUsageError } from '../options/to-usage-error.js';
import { UsageError } from '../options/usage-error.js';
import { COMMAND } from '../output/command-name.js';
import { EXIT } from '../output/exit-code.js';
import { jsonText } from '../output/json-text.js';
import { MapRate, showMap } from '../output/map-progress.js';
import { mapQuestionText, mapSummaryText } from '../output/map-report.js';
import { checkOutput } from '../output/result-file.js';
import { shellQuote } from '../output/shell-quote.js';
import { write } from '../output/streams.js';
import { forTerminal } from '../output/terminal-text.js';
import { checkManyFlags, loadPlanForMany, type PlanForMany } from '../run/plan-for-many.js';
import { Preflight } from '../run/preflight.js';
import { toRunOptions, withRetries } from '../run/run-options.js';
import { interruptProcess, signalExitCode, stopOnSignals } from '../run/signals.js';
import { announceSimulation } from '../run/simulation-notice.js';
import { askYesOrNo, openTerminal } from '../run/terminal.js';
import { withExecutor } from '../run/with-executor.js';
import type { Settings } from '../settings/settings.js';

type Row = Record<string, unknown>;

const NO_COLUMN =
  'no input of the plan comes from a column, so every row would ask the same: declare one in the plan, such as inputs: { text: { type: string } }';
const STOPPING = 'Stopping. Press Ctrl-C again to quit at once.\n';
type Outputs = Readonly<Record<string, unknown>>;

/** `stratagem map PLAN --each FILE`: returns the exit code. */
export async function mapCommand(
  file: string,
  given: MapFlags,
  settings: Settings,
): Promise<number> {
  const preflight = new Preflight();
  await checkManyFlags(given, preflight);
  checkFlags(file, given, preflight);
  const source = await preflight.try(() => withHints(() => openRows(given)));
  const many = await loadPlanForMany('map', file, given, settings, preflight);
  if (many === undefined) preflight.finish();
  return mapLoaded(file, { ...(many as PlanForMany<MapFlags>), source, preflight });
}

interface Command extends PlanForMany<MapFlags> {
  /** Undefined when it cannot be read, which is reported. */
  readonly source: RowSource | undefined;
  readonly preflight: Preflight;
}

function checkFlags(
  file: string,
  { each, output, json, journal, ...flags }: MapFlags,
  preflight: Preflight,
) {
  if (file === '-' && each === '-') {
    preflight.report('the plan and the rows cannot both come from standard input');
  }
  if (json && (output === undefined || output === '-')) {
    preflight.report(
      '--json prints the summary to standard output: name a file for the rows with -o',
    );
  }
  if (flags.retryFailed && journal === undefined) {
    preflight.report('--retry-failed needs a journal, which has the failed rows');
  }
}

async function mapLoaded(file: string, command: Command): Promise<number> {
  const { loaded, flags, read, source, preflight } = command;
  const plan = withRetries(loaded.plan, flags.retries);
  await preflight.try(() => checkOutput(flags, [...read, flags.each]));
  const inputs = await preflight.try(() => loadInputs(plan, flags));
  const binding = {
    ...(flags.bind && {
      bind: Object.fromEntries(flags.bind.map(({ name, value }) => [name, value])),
    }),
    ...(inputs && { inputs }),
  };
  const { first, hasTextCells: isText = false } = source ?? {};
  if (first !== undefined) {
    const bound = await preflight.try(() =>
      withHints(() => bindRows(plan, first, { ...binding, isText })),
    );
    if (bound?.names.length === 0) preflight.report(NO_COLUMN);
  }
  const mapId = flags.id ?? mapIdOf(file, flags);
  const batch = await preflight.try(() => resolveBatch(flags, mapId));
  const run = (journal: Journal | undefined) =>
    withExecutor(
      flags,
      loaded,
      journal,
      async (executor: Executor, pricesAsOf, executorOptions: ExecutorOptions) => {
        const limits = await preflight.try(() => toRunOptions(flags));
        if (limits !== undefined) {
          const { budget: _, deadlineMs: __, ...others } = limits;
          preflight.ask(executor, plan, others, true);
        }
        preflight.finish();
        await announceSimulation(flags, loaded);
        const options: MapOptions<never, Row> = {
          ...(executorOptions as Omit<ExecutorOptions, 'reuse' | 'onEvent'>),
          ...(limits as Omit<RunOptions, 'reuse' | 'onEvent'>),
          ...(binding as object),
          ...(journal !== undefined && { mapId }),
          ...(batch !== undefined && { batch }),
          ...(flags.sample !== undefined && { sample: flags.sample }),
          ...(flags.retryFailed && { retryFailed: true }),
          ...(flags.reuse === false && { reuse: false }),
          textCells: isText,
        };
        return runMap(plan, source as RowSource, options, { ...flags, pricesAsOf });
      },
      preflight,
    );
  if (flags.journal === undefined) return run(undefined);
  const journal = await openJournal(flags.journal, false);
  try {
    return await run(journal);
  } catch (error) {
    throw journalErrorToUsageError(error);
  } finally {
    await journal.close();
  }
}

/** The same for the same files, so that the same command continues. */
function mapIdOf(file: string, { each, output = '-' }: MapFlags): string {
  const target = output === '-' ? each : output;
  const name = basename(target, extname(target))
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .slice(0, 40);
  const places = [file, each, output].map((each) => (each === '-' ? each : resolve(each)));
  const hash = createHash('sha256').update(JSON.stringify(places)).digest('hex').slice(0, 8);
  return `map-${name}-${hash}`;
}

interface ShownFlags extends MapFlags {
  readonly pricesAsOf: string | undefined;
}

async function runMap(
  plan: LoadedPlan['plan'],
  source: RowSource,
  options: MapOptions<never, Row>,
  flags: ShownFlags,
): Promise<number> {
  const terminal = { isAsked: false, isRefused: false };
  /** Withdraws the question that is open. */
  let withdraw: (() => void) | undefined;
  // The map reports a row that cannot be read, when it comes to it.
  const total = source.isSmall ? await source.count().catch(() => undefined) : undefined;
  const map: DatasetMap<Outputs, Row> = mapDataset(plan, source.rows, {
    ...options,
    total: () => total ?? source.count(),
    ...(source.again && { again: source.again }),
    confirm: (question) => confirm(question),
  });
  const target = flags.output === undefined || flags.output === '-' ? undefined : flags.output;
  // First of all: another process may be writing it.
  const output = await openOutput(target, plan);
  const display = showMap(new MapRate(map, source.share, total), flags);
  const isText = !flags.quiet && flags.logFormat !== 'json';
  const signals = stopOnSignals((reason) => {
    if (isText && withdraw === undefined) {
      display.suspend();
      process.stderr.write(STOPPING);
      display.resume(true);
      // The question has no line end.
    } else if (isText) process.stderr.write(`\n${STOPPING}`);
    withdraw?.();
    void map.stop(reason);
  });

  async function confirm(question: MapQuestion): Promise<boolean> {
    display.suspend();
    try {
      if (isText || !flags.yes) await write(process.stderr, mapQuestionText(question));
      if (flags.yes) return true;
      terminal.isAsked = true;
      const asked = openTerminal(undefined, interruptProcess);
      const ended = new AbortController();
      if (asked !== undefined) withdraw = () => ended.abort();
      const answer = asked && (await askYesOrNo(asked, 'Go on?', ended.signal).catch(() => false));
      terminal.isRefused = answer !== true;
      return answer === true;
    } finally {
      withdraw = undefined;
      display.resume();
    }
  }

  let problem: unknown;
  try {
    for await (const row of map) await output.write(row);
  } catch (error) {
    problem = error;
  } finally {
    display.stop();
  }
  const summary = map.summary();
  const isWhole = summary.status === 'completed';
  try {
    await (isWhole ? output.finish() : output.close());
  } catch (error) {
    problem ??= error;
  }
  signals.stop();
  if (flags.json) await write(process.stdout, `${jsonText(summary)}\n`);
  if (isText || !isWhole || problem !== undefined || summary.failed > 0) {
    const text =
      mapSummaryText(summary, flags.pricesAsOf) +
      nextSteps(flags, target, output, {
        ...{ ...summary, ...terminal },
        isWhole: isWhole && problem === undefined,
      });
    await write(process.stderr, text);
  }
  if (problem !== undefined) {
    if (isJournalError(problem)) throw problem;
    if (!isStratagemError(problem)) throw problem;
    await write(process.stderr, `stratagem: ${forTerminal(problem.message)}\n`);
    return problem.code === 'invalid_inputs' || problem.code === 'invalid_option'
      ? EXIT.usage
      : EXIT.failed;
  }
  if (signals.received !== undefined) return signalExitCode(signals.received);
  if (terminal.isRefused) return summary.rows > 0 ? EXIT.completed : EXIT.usage;
  return summary.failed > 0 ? EXIT.failed : EXIT.completed;
}

/** Standard output gets the rows as they are done. */
async function openOutput(target: string | undefined, plan: LoadedPlan['plan']): Promise<RowsFile> {
  if (target === undefined) {
    return {
      partialPath: '',
      write: (row) => write(process.stdout, `${JSON.stringify(row)}\n`),
      async finish() {},
      async close() {},
    };
  }
  try {
    return await openRowsFile(target, { outputs: outputNamesOf(plan) });
  } catch (error) {
    if (isStratagemError(error)) throw toUsageError(error);
    throw new UsageError(`cannot write ${target}: ${(error as Error).message}`, { cause: error });
  }
}

function nextSteps(
  flags: ShownFlags,
  target: string | undefined,
  output: RowsFile,
  {
    failed,
    rows,
    isAsked,
    isWhole,
  }: MapSummary & { readonly isAsked: boolean; readonly isWhole: boolean },
): string {
  const lines: string[] = [];
  if (target !== undefined) {
    if (isWhole) lines.push(`Wrote ${forTerminal(target)}`);
    else if (rows > 0 && output.partialPath !== target) {
      lines.push(`The rows so far are in ${forTerminal(output.partialPath)}`);
    }
  }
  const command = `${COMMAND} ${process.argv.slice(2).map(shellQuote).join(' ')}`;
  if (!isWhole && flags.journal !== undefined) {
    lines.push(`To continue, run the same command again${isAsked ? ', or with --yes' : ''}`);
  } else if (failed > 0 && flags.journal !== undefined && !flags.retryFailed) {
    lines.push(`To do failed rows again: ${forTerminal(command)} --retry-failed`);
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** Says which option of the command line is the remedy. */
async function withHints<Result>(work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!isStratagemError(error)) throw error;
    const message = error.message
      .replaceAll(/Bind one: \{ (.+?): 'COLUMN' \}/g, 'Use --bind $1=COLUMN.')
      .replace('Name it (delimiter)', 'Use --delimiter')
      .replace(
        /^readRows\(\): (the format of .*): name it, one of (.*)$/,
        '--each: $1. Use --row-format: $2',
      )
      .replace(/^(?:readRows|selectRows)\(\): /, '');
    throw new UsageError(message, { cause: error });
  }
}
