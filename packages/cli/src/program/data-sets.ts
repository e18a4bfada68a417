import { type Command, Option } from 'commander';
import type { TestFlags } from '../commands/test.js';
import type { MapFlags } from '../options/map-flags.js';
import {
  addInputOptions,
  addMapOptions,
  addModelOptions,
  addTestOptions,
  allowReadOption,
  batchPollOption,
  fileOption,
  journalOption,
  outsideOption,
  resultOption,
} from '../options/option-groups.js';
import { integerFrom, nonEmpty, share } from '../options/parse-values.js';
import { DEFAULT_JOURNAL, journalFlags } from '../settings/apply-settings.js';
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
  stratagem map plan.yaml --each reviews.csv --bind text=review --sample 10
  stratagem map plan.yaml --each reviews.csv -o out.jsonl --retry-failed`;

const TEST_EXPLANATIONS = `
A case has inputs and what is expected of the results:

  cases:
    - name: apple
      inputs: { company: Apple }
      expect:
        - { contains: Apple }
        - { output: report.year, equals: 1976 }
        - { judge: The text is polite, minScore: 0.8 }
        - { check: ./checks.js#isShort }

Also matches (a regular expression) and schema (a JSON Schema). With
--compare-model or --compare-plan, the first variant must pass.

Exit codes: 0 enough cases passed, 1 too few, 2 usage error or invalid cases,
            130 interrupted (Ctrl-C)

Examples:
  stratagem test plan.yaml --cases cases.yaml --runner openai --cache .cache
  stratagem test plan.yaml --cases cases.yaml --min-pass 0.9 --junit junit.xml
  stratagem test plan.yaml --cases cases.yaml --compare-plan shorter.yaml`;

/** Adds the commands that run plans for many rows or cases. */
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
  const test = program
    .command('test')
    .description('run a plan on test cases, and check the results')
    .argument('<plan>', PLAN)
    .addOption(fileOption('--cases <file>', 'the cases (YAML or JSON)').makeOptionMandatory())
    .addOption(
      new Option('--min-pass <share>', 'the share of cases that must pass (0 to 1)')
        .argParser(share)
        .default(1),
    )
    .option('--filter <text>', 'only cases with this in their name')
    .addOption(
      new Option('--judge <model>', 'the model, or profile, that judges').argParser(nonEmpty),
    )
    .option('--compare-model <model>', 'also run the cases on this model')
    .option('--compare-plan <file>', 'also run the cases with this plan')
    .addOption(
      new Option('--cases-at-once <n>', 'maximum number of cases at once (default: 8)').argParser(
        integerFrom(1),
      ),
    )
    .addOption(fileOption('--junit <file>', 'also write a JUnit report'))
    .addOption(allowReadOption())
    .addOption(outsideOption())
    .option('--json', 'print the results as JSON')
    .addOption(resultOption())
    .addHelpText('after', TEST_EXPLANATIONS);
  addModelOptions(addTestOptions(test)).action(async (file: string, flags: TestFlags) => {
    const { testCommand } = await import('../commands/test.js');
    context.end(await testCommand(file, flags, context.settings));
  });

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
