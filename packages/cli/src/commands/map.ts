import { createHash } from 'node:crypto';
import { basename, extname, resolve } from 'node:path';
import {
  type Executor,
  type ExecutorOptions,
  isStratagemError,
  type Journal,
  type RunOptions,
} from '@stratagem/core';
import { bindRows, type ColumnBinding, type MapOptions } from '@stratagem/datasets';
import { loadInputs } from '../load/load-inputs.js';
import { journalErrorToUsageError, openJournal } from '../load/open-journal.js';
import { openRows, type RowSource } from '../load/row-source.js';
import type { MapFlags } from '../options/map-flags.js';
import { resolveBatch } from '../options/resolve-batch.js';
import { UsageError } from '../options/usage-error.js';
import { checkOutput } from '../output/result-file.js';
import { executeMap } from '../run/execute-map.js';
import { checkManyFlags, loadPlanForMany, type PlanForMany } from '../run/plan-for-many.js';
import { Preflight } from '../run/preflight.js';
import { toRunOptions, withRetries } from '../run/run-options.js';
import { announceSimulation } from '../run/simulation-notice.js';
import { withExecutor } from '../run/with-executor.js';
import type { Settings } from '../settings/settings.js';

type Row = Record<string, unknown>;

const NO_COLUMN =
  'no input of the plan comes from a column, so every row would ask the same: declare one in the plan, such as inputs: { text: { type: string } }';

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
  const { loaded, flags, preflight } = command;
  const parts = await checkParts(file, command);
  const run = (journal: Journal | undefined) =>
    withExecutor(
      flags,
      loaded,
      journal,
      async (executor: Executor, pricesAsOf, executorOptions: ExecutorOptions) => {
        const limits = await preflight.try(() => toRunOptions(flags));
        if (limits !== undefined) {
          const { budget: _, deadlineMs: __, ...others } = limits;
          preflight.ask(executor, parts.plan, others, true);
        }
        preflight.finish();
        await announceSimulation(flags, loaded);
        const { batch, mapId, binding } = parts;
        const rows = { ...(command.source as RowSource), total: parts.total };
        const options: MapOptions<never, Row> = {
          ...(executorOptions as Omit<ExecutorOptions, 'reuse' | 'onEvent'>),
          ...(limits as Omit<RunOptions, 'reuse' | 'onEvent'>),
          ...(binding as object),
          ...(journal !== undefined && { mapId }),
          ...(batch !== undefined && { batch }),
          ...(flags.sample !== undefined && { sample: flags.sample }),
          ...(flags.retryFailed && { retryFailed: true }),
          ...(flags.reuse === false && { reuse: false }),
          textCells: rows.hasTextCells,
        };
        return executeMap(parts.plan, rows, options, { ...flags, pricesAsOf });
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

/** Checks what the flags say about the plan and the rows of a map; the preflight gets what is wrong. */
async function checkParts(file: string, { loaded, flags, read, source, preflight }: Command) {
  const plan = withRetries(loaded.plan, flags.retries);
  await preflight.try(() => checkOutput(flags, [...read, flags.each]));
  const inputs = await preflight.try(() => loadInputs(plan, flags));
  const columns = flags.bind?.map(({ name, value }) => [name, value]);
  const binding = {
    ...(columns && { bind: Object.fromEntries(columns) as ColumnBinding }),
    ...(inputs && { inputs }),
  };
  const { example, hasTextCells: isText = false } = source ?? {};
  if (example !== undefined) {
    const bound = await preflight.try(() =>
      withHints(() => bindRows(plan, example, { ...binding, isText })),
    );
    if (bound?.names.length === 0) preflight.report(NO_COLUMN);
  }
  // A wrong row of a small file is found before anything is paid.
  const count = () => (source?.isSmall ? source.count() : undefined);
  const total = await preflight.try(() => withHints(count));
  const mapId = flags.id ?? mapIdOf(file, flags);
  const batch = await preflight.try(() => resolveBatch(flags, mapId));
  return { plan, binding, total, mapId, batch };
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
