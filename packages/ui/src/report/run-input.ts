import { OptionError, type RunEvent } from '@stratagem/core';
import { checkOptions } from '@stratagem/core/journal';
import { ModelBuilder, type ModelOptions } from '../model/model-builder.js';

/** A run: its events in order, or a result that has them as `timeline`. */
export type RunInput = Iterable<RunEvent> | { readonly timeline: readonly RunEvent[] };

export interface RunSettings extends ModelOptions {
  /** Shown beside the goal. */
  readonly runId?: string | undefined;
}

/**
 * Folds the events of a run.
 *
 * @throws {OptionError} when it is no run, or one without events.
 */
export function builderOf(where: string, run: RunInput, runId?: string): ModelBuilder {
  const events = eventsOf(run);
  if (events === undefined) {
    throw new OptionError(`${where} needs the result of a run, or its events`);
  }
  const builder = new ModelBuilder(runId);
  for (const event of events) {
    if (typeof event?.type !== 'string') {
      throw new OptionError(`${where} needs events of a run; one of them is none`);
    }
    if (builder.isEmpty && event.type !== 'run_started') {
      throw new OptionError(`${where} needs all events of a run, from run_started on`);
    }
    builder.add(event);
  }
  if (builder.isEmpty) {
    throw new OptionError(
      `${where} needs a run with events; with timeline: 'stream', give it the events that onEvent received`,
    );
  }
  return builder;
}

/** The events of a run; undefined when it is none. */
export function eventsOf(run: RunInput): Iterable<RunEvent> | undefined {
  if (typeof run !== 'object' || run === null) return undefined;
  const events: unknown = 'timeline' in run ? run.timeline : run;
  const isIterable = typeof (events as Iterable<RunEvent>)?.[Symbol.iterator] === 'function';
  return isIterable ? (events as Iterable<RunEvent>) : undefined;
}

const SETTINGS = ['runId', 'now', 'status', 'leftMs', 'notice'] as const;

/** The settings among the options, after a check that all names are known. */
export function settingsOf(
  where: string,
  options: RunSettings,
  more: readonly string[],
): RunSettings {
  checkOptions(where, options, [...SETTINGS, ...more]);
  const { runId, now, status, leftMs, notice } = options;
  return { runId, now, status, leftMs, notice };
}
