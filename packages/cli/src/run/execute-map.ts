import { isStratagemError } from '@stratagem/core';
import { type DatasetMap, type MapOptions, type MapSummary, mapDataset } from '@stratagem/datasets';
import type { LoadedPlan } from '../load/load-plan.js';
import { isJournalError } from '../load/open-journal.js';
import type { RowSource } from '../load/row-source.js';
import type { MapFlags } from '../options/map-flags.js';
import { COMMAND } from '../output/command-name.js';
import { EXIT } from '../output/exit-code.js';
import { jsonText } from '../output/json-text.js';
import { type MapOutput, openMapOutput } from '../output/map-output.js';
import { type MapDisplay, MapRate, showMap } from '../output/map-progress.js';
import { mapSummaryText } from '../output/map-report.js';
import { fileOf } from '../output/result-file.js';
import { shellQuote } from '../output/shell-quote.js';
import { write } from '../output/streams.js';
import { forTerminal } from '../output/terminal-text.js';
import { MapQuestions } from './map-questions.js';
import { signalExitCode, stopOnSignals } from './signals.js';

type Row = Record<string, unknown>;
type Outputs = Readonly<Record<string, unknown>>;

const STOPPING = 'Stopping. Press Ctrl-C again to quit at once.\n';
const NO_ROW = 'No row was chosen: the condition of --where holds for none';
const CLOSED = 'Standard output was closed, so the map was stopped\n';

interface ShownFlags extends MapFlags {
  /** The date of the price list behind the costs. */
  readonly pricesAsOf: string | undefined;
}

interface CountedRows extends RowSource {
  /** How many rows there are; undefined where they were not counted. */
  readonly total: number | undefined;
}

/** How a map has ended in this process. */
interface Ending {
  readonly summary: MapSummary;
  /** What stopped it, or why its results could not be written. */
  readonly problem: unknown;
  /** Whether the reader of standard output has closed it. */
  readonly isUnread: boolean;
  readonly questions: MapQuestions;
}

/**
 * Runs a map until its end: writes its results, shows its progress, asks its questions, and stops it on signals.
 *
 * @returns The exit code.
 */
export async function executeMap(
  plan: LoadedPlan['plan'],
  source: CountedRows,
  options: MapOptions<never, Row>,
  flags: ShownFlags,
): Promise<number> {
  const { total } = source;
  const map: DatasetMap<Outputs, Row> = mapDataset(plan, source.rows, {
    ...options,
    total: () => total ?? source.count(),
    ...(source.again && { again: source.again }),
    confirm: (question) => questions.confirm(question),
  });
  // Before anything runs: another process may be writing it.
  const output = await openMapOutput(fileOf(flags), plan);
  const display = showMap(new MapRate(map, source.share, total), flags);
  const isText = !flags.quiet && flags.logFormat !== 'json';
  const questions = new MapQuestions(flags, isText, display);
  const signals = stopOnSignals((reason) => {
    if (isText) showStopping(display, questions);
    questions.withdraw();
    void map.stop(reason);
  });
  const written = await writeRows(map, output);
  display.stop();
  const summary = map.summary();
  const closed = await closeOutput(output, summary);
  signals.stop();
  const problem = written.problem ?? closed;
  // A journal that cannot be used at all is an error of usage: nothing has run.
  if (summary.rows === 0 && isJournalError(problem)) throw problem;
  if (flags.json) await write(process.stdout, `${jsonText(summary)}\n`);
  const { isUnread } = written;
  const ending: Ending = { summary, problem, isUnread, questions };
  const isPlain = summary.status === 'completed' && problem === undefined && summary.failed === 0;
  if (isText || !isPlain) await write(process.stderr, endingText(ending, output, flags));
  if (problem !== undefined) return reportProblem(problem);
  if (signals.received !== undefined) return signalExitCode(signals.received);
  if (questions.isRefused) return summary.rows > 0 ? EXIT.completed : EXIT.usage;
  return summary.failed > 0 || isUnread ? EXIT.failed : EXIT.completed;
}

function showStopping(display: MapDisplay, questions: MapQuestions): void {
  if (questions.isOpen) {
    // The question has no line end.
    process.stderr.write(`\n${STOPPING}`);
    return;
  }
  display.suspend();
  process.stderr.write(STOPPING);
  display.resume(true);
}

async function writeRows(
  map: DatasetMap<Outputs, Row>,
  output: MapOutput,
): Promise<Pick<Ending, 'problem' | 'isUnread'>> {
  try {
    for await (const row of map) {
      if (!(await output.write(row))) return { problem: undefined, isUnread: true };
    }
    return { problem: undefined, isUnread: false };
  } catch (problem) {
    return { problem, isUnread: false };
  }
}

/** @returns Why the results could not be written. */
async function closeOutput(output: MapOutput, { status }: MapSummary): Promise<unknown> {
  try {
    await (status === 'completed' ? output.finish() : output.close());
    return undefined;
  } catch (error) {
    return error;
  }
}

/** What the map has done, and what can be done next. */
function endingText(
  { summary, problem, isUnread, questions }: Ending,
  output: MapOutput,
  flags: ShownFlags,
): string {
  const { status, failed, rows } = summary;
  const isWhole = status === 'completed' && problem === undefined;
  const target = fileOf(flags);
  const lines: string[] = [];
  if (target !== undefined && isWhole) lines.push(`Wrote ${forTerminal(target)}`);
  else if (rows > 0 && output.partialPath !== undefined) {
    lines.push(`The rows so far are in ${forTerminal(output.partialPath)}`);
  }
  if (!isWhole && flags.journal !== undefined) {
    const answer = questions.isAsked ? ', or with --yes' : '';
    lines.push(`To continue, run the same command again${answer}`);
  } else if (failed > 0 && flags.journal !== undefined && !flags.retryFailed) {
    const command = `${COMMAND} ${process.argv.slice(2).map(shellQuote).join(' ')}`;
    lines.push(`To do failed rows again: ${forTerminal(command)} --retry-failed`);
  }
  if (isWhole && rows === 0 && flags.where !== undefined) lines.push(NO_ROW);
  const next = lines.map((line) => `${line}\n`).join('');
  return mapSummaryText(summary, flags.pricesAsOf) + (isUnread ? CLOSED : '') + next;
}

/** @throws what is no problem of the map itself. */
async function reportProblem(problem: unknown): Promise<number> {
  if (isJournalError(problem) || !isStratagemError(problem)) throw problem;
  await write(process.stderr, `stratagem: ${forTerminal(problem.message)}\n`);
  const isUsage = problem.code === 'invalid_inputs' || problem.code === 'invalid_option';
  return isUsage ? EXIT.usage : EXIT.failed;
}
