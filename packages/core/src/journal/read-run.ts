import type { ValueCodec } from '../contract/codec.js';
import { OptionError } from '../contract/errors.js';
import type { RunEvent } from '../contract/event.js';
import type { Journal } from '../contract/journal.js';
import { checkRunId } from '../contract/run-id.js';
import { wrapCorruptLog } from './corrupt-log.js';

/**
 * The events of a recorded run, as they were published. Recorded values are included, such as the list
 * that a function gave to a fan-out; the functions and schemas of its tasks are not.
 *
 * Rejects with `run_not_found`, and with `journal_corrupt` or `journal_newer` when an event cannot be
 * decoded.
 *
 * @param options.codecs Decode the values that these codecs have encoded. Without codecs, such values
 * are returned as they were encoded.
 *
 * @example
 * for await (const event of readRun(journal, runId)) console.log(event.type);
 */
export async function* readRun(
  journal: Journal,
  runId: string,
  options: { readonly codecs?: readonly ValueCodec[] | undefined } = {},
): AsyncGenerator<RunEvent> {
  if (typeof journal?.read !== 'function') {
    throw new OptionError('readRun() needs the journal that has recorded the run');
  }
  checkRunId('readRun()', runId);
  // Loaded when it is needed: most processes read no records.
  const { LogReader } = await import('./log-reader.js');
  const reader = new LogReader(options.codecs);
  for await (const data of journal.read(runId)) {
    yield wrapCorruptLog(runId, () => reader.read(data));
  }
}
