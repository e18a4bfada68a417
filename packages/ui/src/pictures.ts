import { graphSvgOf } from './export/graph-svg.js';
import {
  type PictureOptions,
  type TimelinePictureOptions,
  timelineSvgOf,
} from './export/timeline-svg.js';
import { type Trace, traceOf } from './export/trace.js';
import type { RunModel } from './model/run-model.js';
import { builderOf, type RunInput, type RunSettings, settingsOf } from './report/run-input.js';

/**
 * What the pages show of a run, as plain JSON.
 *
 * @throws {OptionError} when there is no event.
 */
export function runModel(run: RunInput, options: RunSettings = {}): RunModel {
  const settings = settingsOf('runModel()', options, []);
  return builderOf('runModel()', run, settings.runId).model(settings);
}

/**
 * The timeline of a run as an SVG picture, with concurrency and rate-limit pauses below.
 *
 * @throws {OptionError} when there is no event.
 *
 * @example
 * await writeFile('run.svg', timelineSvg(result, { theme: 'dark' }));
 */
export function timelineSvg(
  run: RunInput,
  options: TimelinePictureOptions & RunSettings = {},
): string {
  const settings = settingsOf('timelineSvg()', options, ['theme', 'mode', 'width']);
  return timelineSvgOf(builderOf('timelineSvg()', run, settings.runId).model(settings), options);
}

/**
 * The graph of a run as an SVG picture, groups and look-alike tasks folded.
 *
 * @throws {OptionError} when there is no event.
 */
export function graphSvg(run: RunInput, options: PictureOptions & RunSettings = {}): string {
  const settings = settingsOf('graphSvg()', options, ['theme']);
  return graphSvgOf(builderOf('graphSvg()', run, settings.runId).model(settings), options);
}

/**
 * A run as trace events, for ui.perfetto.dev and chrome://tracing.
 *
 * @throws {OptionError} when there is no event.
 *
 * @example
 * await writeFile('trace.json', JSON.stringify(runTrace(result)));
 */
export function runTrace(run: RunInput, options: RunSettings = {}): Trace {
  const settings = settingsOf('runTrace()', options, []);
  return traceOf(builderOf('runTrace()', run, settings.runId).model(settings));
}
