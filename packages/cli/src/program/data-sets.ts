import type { Command } from 'commander';
import type { MapFlags } from '../options/map-flags.js';
import {
  addInputOptions,
  addMapOptions,
  addModelOptions,
  allowReadOption,
  batchPollOption,
  fileOption,
  journalOption,
  outsideOption,
} from '../options/option-groups.js';
import { journalFlags } from '../settings/apply-settings.js';
import { type Context, PLAN } from './context.js';

const EXPLANATIONS = `
Each input of the plan is the column of its name, or of --bind. Results come in
the order of the rows, each with its status, error, tokens, cost and outputs.
The same command continues after an interruption. It does again what has
changed: new rows, other values, another prompt.

Exit codes: 0 all rows completed, 1 some failed or the map was stopped,
            2 usage error or invalid rows, 130 interrupted (Ctrl-C)

Examples:
  stratagem map plan.yaml --each reviews.csv -o out.jsonl
  stratagem map plan.yaml --each reviews.csv --bind text=review --sample 10 -o out.jsonl
  stratagem map plan.yaml --each reviews.csv -o out.jsonl --retry-failed`;

/** Where maps are recorded unless somebody says otherwise: they are long. */
const DEFAULT_JOURNAL = '.stratagem';

/** Adds the commands that run plans for many rows. */
export function addDataSetCommands(program: Command, context: Context): void {
  const map = program
    .command('map')
    .description('run a plan for each row of a file')
    .argument('<plan>', PLAN)
    .addOption(
      fileOption(
        '-o, --output <file>',
        'results: JSON Lines, .csv or .tsv (default: standard output)',
      ),
    )
    .option('--retry-failed', 'do failed rows again, and no others')
    .option('--yes', 'do not ask after a sample, or for a changed plan')
    .addOption(journalOption('record the map here (default: .stratagem)'))
    .option('--no-journal', 'do not record it: it cannot be continued')
    .option('--id <name>', 'name of the map (default: by the files)')
    .option('--no-reuse', 'do unchanged rows of earlier maps again, too')
    .option('--batch', "use the provider's Batch API: half the price, within a day")
    .addOption(batchPollOption())
    .option('--fail-fast', 'stop at the first failed row')
    .addOption(allowReadOption())
    .addOption(outsideOption())
    .option('--json', 'print a summary as JSON')
    .addHelpText('after', EXPLANATIONS);
  addModelOptions(addInputOptions(addMapOptions(map))).action(
    async (file: string, given: Omit<MapFlags, 'journal'> & { journal?: string | false }) => {
      const { settings } = context;
      const { journal, reuse, ...others } = given;
      const place =
        journalFlags(journal, settings) ?? journalFlags(journal ?? DEFAULT_JOURNAL, settings);
      const flags = { ...others, ...(reuse === false && { reuse }), ...place };
      const { mapCommand } = await import('../commands/map.js');
      context.end(await mapCommand(file, flags, settings));
    },
  );
}
