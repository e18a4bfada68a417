import { Option } from 'commander';
import { ROW_FORMATS } from './choices.js';
import { integerFrom, namedValues, nonEmpty, positiveInteger } from './parse-values.js';

/** The options that say which rows a plan runs for. */
export function rowOptions(): Option[] {
  return [
    new Option('--each <file>', 'rows: CSV, TSV, JSON Lines or JSON; - for standard input')
      .argParser(nonEmpty)
      .makeOptionMandatory(),
    new Option('--row-format <name>', 'instead of the extension of the file').choices(ROW_FORMATS),
    new Option('--delimiter <text>', 'what is between the cells of CSV (default: ,)').argParser(
      nonEmpty,
    ),
    new Option(
      '--bind <input=column>',
      'the column of an input (repeatable; default: its name)',
    ).argParser(namedValues),
    new Option('--where <condition>', "only some rows, such as 'row.stars < 3'").argParser(
      nonEmpty,
    ),
    new Option('--limit <n>', 'at most N rows').argParser(positiveInteger),
    new Option('--shuffle <seed>', 'in a random order, the same for the same seed').argParser(
      integerFrom(0),
    ),
    new Option('--sample <n>', 'do N rows first, and ask with a forecast of the rest').argParser(
      positiveInteger,
    ),
  ];
}
