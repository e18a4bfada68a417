import { type Command, Option } from 'commander';
import type { CompareFlags } from '../commands/compare.js';
import type { GraphFlags } from '../commands/graph.js';
import type { PlanFlags } from '../commands/plan.js';
import type { SimulateFlags } from '../commands/simulate.js';
import type { ValidateFlags } from '../commands/validate.js';
import { GRAPH_FORMATS } from '../options/choices.js';
import {
  addComparisonOptions,
  addInputOptions,
  addModelOptions,
  addPlanOptions,
  addSchedulingOptions,
  addSimulationOptions,
  allowReadOption,
  engineOption,
  fallbackOption,
  journalOption,
  outputOption,
  outsideOption,
  resultOption,
} from '../options/option-groups.js';
import type { ModuleFlags, RunFlags } from '../options/run-flags.js';
import { journalFlags } from '../settings/apply-settings.js';
import { type Context, PLAN } from './context.js';
import { RUN_EXPLANATIONS } from './help.js';

/** Adds the commands that run plans, or make them. */
export function addRunCommands(program: Command, context: Context): void {
  const run = program
    .command('run')
    .description('run a plan, or one that the model makes (--goal)')
    .argument('[plan]', PLAN)
    .option('--goal <text>', 'let the model make the plan for this goal')
    .option('--yes', 'run the plan made for --goal without confirmation')
    .addOption(fallbackOption())
    .option('--fail-fast', 'stop all tasks at the first failure')
    .addOption(journalOption('record the run here, so that it can be resumed'))
    .option('--no-journal', 'do not record it, whatever the settings say')
    .option('--reuse', 'reuse recorded outputs of unchanged tasks')
    .addOption(engineOption('queue the run for the coordinators of this server, and follow it'))
    .addOption(allowReadOption())
    .option('--dry-run', 'show which tasks would run, and why; run nothing')
    .addOption(outsideOption())
    .option('--json', 'print the result as JSON')
    .addOption(resultOption())
    .addHelpText('after', RUN_EXPLANATIONS);
  addModelOptions(addSchedulingOptions(addInputOptions(run))).action(
    async (
      file: string | undefined,
      given: Omit<RunFlags, 'journal'> & { journal?: string | false },
      command: Command,
    ) => {
      const { settings } = context;
      const { journal, ...others } = given;
      const { goal } = given;
      if (goal !== undefined) {
        if (file !== undefined) command.error('error: use a plan file or --goal, not both');
        const flags = { ...others, ...(typeof journal === 'string' && { journal }) };
        const { runGoalCommand } = await import('../commands/run-goal.js');
        context.end(await runGoalCommand(goal, flags, settings));
        return;
      }
      if (file !== undefined && given.engine !== undefined) {
        const flags = { ...others, ...(typeof journal === 'string' && { journal }) };
        const { runElsewhereCommand } = await import('../commands/run-elsewhere.js');
        context.end(await runElsewhereCommand(file, given.engine, flags));
        return;
      }
      if (file === undefined) {
        command.error("error: missing required argument 'plan' (or use --goal)");
      }
      const flags = { ...others, ...journalFlags(journal, settings) };
      const { runCommand } = await import('../commands/run.js');
      context.end(await runCommand(file, flags, settings));
    },
  );

  program
    .command('init')
    .description('write an example plan that runs without a key')
    .argument('[file]', 'where to write it', 'plan.yaml')
    .action(async (file: string) => {
      const { initCommand } = await import('../commands/init.js');
      context.end(await initCommand(file));
    });

  const plan = program
    .command('plan')
    .description('let the model make a plan, without running it')
    .argument('<goal>', 'what the plan should achieve')
    .addOption(outputOption())
    .option('--force', 'overwrite an existing file')
    .option('--json', 'print the plan, and how it was made, as JSON');
  addModelOptions(addPlanOptions(plan)).action(async (goal: string, flags: PlanFlags) => {
    const { planCommand } = await import('../commands/plan.js');
    context.end(await planCommand(goal, flags, context.settings));
  });
}

/** Adds the commands that look at plans without running them. */
export function addPlanCommands(program: Command, context: Context): void {
  program
    .command('validate')
    .description('list all problems of plans')
    .argument('<plans...>', 'plan files (YAML or JSON), or - for standard input')
    .addOption(outsideOption())
    .option('--json', 'print the problems as JSON')
    .action(async (files: string[], flags: ValidateFlags) => {
      const { validateCommand } = await import('../commands/validate.js');
      context.end(await validateCommand(files, flags, context.settings));
    });

  program
    .command('graph')
    .description('print the dependency graph of a plan')
    .argument('<plan>', PLAN)
    .addOption(
      new Option('--format <name>', 'output format').choices(GRAPH_FORMATS).default('mermaid'),
    )
    .option('--unfold', 'draw the tasks of modules, too')
    .addOption(outsideOption())
    .addOption(resultOption())
    .action(async (file: string, flags: GraphFlags) => {
      const { graphCommand } = await import('../commands/graph.js');
      context.end(await graphCommand(file, flags, context.settings));
    });

  program
    .command('watch')
    .description('check and draw a plan again at each change')
    .argument('<plan>', 'plan file (YAML or JSON)')
    .addOption(outsideOption())
    .action(async (file: string, flags: ModuleFlags) => {
      const { watchCommand } = await import('../commands/watch.js');
      context.end(await watchCommand(file, flags, context.loadSettings));
    });

  const compare = program
    .command('compare')
    .description('compare strategies and limits, simulated or for real')
    .argument('<plan>', PLAN)
    .addOption(outsideOption())
    .option('--json', 'print the results as JSON')
    .addOption(resultOption());
  addComparisonOptions(addInputOptions(compare)).action(
    async (file: string, flags: CompareFlags) => {
      const { compareCommand } = await import('../commands/compare.js');
      context.end(await compareCommand(file, flags, context.settings));
    },
  );

  const simulate = program
    .command('simulate')
    .description('estimate how long a plan takes, without a model')
    .argument('<plan>', PLAN)
    .addOption(outsideOption())
    .option('--json', 'print the results as JSON')
    .addOption(resultOption());
  addSimulationOptions(addInputOptions(simulate)).action(
    async (file: string, flags: SimulateFlags) => {
      const { simulateCommand } = await import('../commands/simulate.js');
      context.end(await simulateCommand(file, flags, context.settings));
    },
  );
}
