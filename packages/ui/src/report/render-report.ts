import type { RunEvent } from '@stratagem/core';
import type { Fork } from '@stratagem/core/journal';
import type { RunExtras } from '../model/extras.js';
import { forkInWords } from '../model/fork-in-words.js';
import type { ModelBuilder } from '../model/model-builder.js';
import type { RunModel, TaskDetail } from '../model/run-model.js';
import type { EmbeddedRun } from './embedded-run.js';
import { renderPage } from './render-page.js';
import { replaySentence } from './replay-sentence.js';
import { builderOf, eventsOf, type RunInput, type RunSettings, settingsOf } from './run-input.js';

export interface ReportOptions extends RunSettings {
  /** A command that runs again what failed; the report offers to copy it. */
  readonly retryCommand?: string | undefined;
  /** The date of the price list behind the costs. */
  readonly pricesAsOf?: string | undefined;
  /**
   * The most letters of each prompt, output and tool result; longer texts are cut, with a note.
   * @default 20000, or less so that all texts together stay below 4,000,000
   */
  readonly maxTextLength?: number | undefined;
  /** A second run, with which this one is compared. */
  readonly compareWith?: RunInput | undefined;
  /** Runs that began with the results of this one, such as those of `findForks()`. */
  readonly forks?: readonly Fork[] | undefined;
  /** The id of that run, shown beside its figures. */
  readonly compareWithId?: string | undefined;
}

/** A text is never cut shorter than this because of all the others. */
const LEAST_TEXT = 400;
const MOST_TEXT = 20_000;
/** Letters of all texts together, unless the caller chooses a limit. */
const ALL_TEXT = 4_000_000;

/**
 * A report of a run: one HTML file that needs no network. Whatever models wrote is shown as text.
 *
 * @param run Its result, or its events.
 * @throws {OptionError} when there is no event, or when the result has no timeline.
 *
 * @example
 * const result = await executor.execute(plan);
 * await writeFile('run.html', renderReport(result));
 */
export function renderReport(run: RunInput, options: ReportOptions = {}): string {
  // Read twice: for the model, and for its replay.
  const events = [...(eventsOf(run) ?? [])];
  const settings = settingsOf('renderReport()', options, [
    'retryCommand',
    'pricesAsOf',
    'maxTextLength',
    'compareWith',
    'compareWithId',
    'forks',
  ]);
  const {
    retryCommand,
    pricesAsOf,
    maxTextLength,
    compareWith,
    compareWithId,
    forks = [],
  } = options;
  const extras = {
    ...(retryCommand !== undefined && { retryCommand }),
    ...(pricesAsOf !== undefined && { pricesAsOf }),
    ...(forks.length > 0 && { forks: forks.map(forkInWords) }),
  };
  const isRun = eventsOf(run) !== undefined;
  const builder = builderOf('renderReport()', isRun ? events : run, settings.runId);
  const runs = [
    ...(compareWith === undefined
      ? []
      : [embed(builderOf('renderReport()', compareWith, compareWithId), {}, maxTextLength)]),
    withReplay(embed(builder, extras, maxTextLength, settings), events),
  ];
  return renderPage(runs);
}

function withReplay(shown: EmbeddedRun, events: readonly RunEvent[]): EmbeddedRun {
  const replay = replaySentence(shown.model, events);
  return replay === undefined ? shown : { ...shown, extras: { ...shown.extras, replay } };
}

/** A run as a report has it. */
export function embed(
  builder: ModelBuilder,
  extras: RunExtras,
  maxTextLength: number | undefined,
  settings: RunSettings = {},
): EmbeddedRun {
  const model = builder.model(settings);
  return { model, extras, details: detailsOf(builder, model, maxTextLength) };
}

function detailsOf(
  builder: ModelBuilder,
  { tasks }: RunModel,
  maxTextLength: number | undefined,
): TaskDetail[] {
  const read = (limit: number) => tasks.map(({ id }) => builder.detail(id, limit) as TaskDetail);
  if (maxTextLength !== undefined) return read(maxTextLength);
  const details = read(MOST_TEXT);
  const length = details.reduce((sum, detail) => sum + lengthOf(detail), 0);
  if (length <= ALL_TEXT) return details;
  return read(Math.max(LEAST_TEXT, Math.floor((MOST_TEXT * ALL_TEXT) / length)));
}

function lengthOf({ prompt, output, partial, question, steps }: TaskDetail): number {
  const texts = [prompt, output, partial, question, ...steps.map(({ result }) => result)];
  return texts.reduce((sum, text) => sum + (text?.text.length ?? 0), 0);
}
