import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import type { CompareFlags } from './commands/compare.js';
import type { PlanFlags } from './commands/plan.js';
import type { ReportFlags } from './commands/report.js';
import type { ResumeFlags } from './commands/resume.js';
import type { RunsFlags } from './commands/runs.js';
import type { ShowFlags } from './commands/show.js';
import type { SimulateFlags } from './commands/simulate.js';
import type { UiFlags } from './commands/ui.js';
import type { WhyFlags } from './commands/why.js';
import { GRAPH_FORMATS, type GraphFormat } from './options/choices.js';
import {
  addComparisonOptions,
  addInputOptions,
  addModelOptions,
  addPlanOptions,
  addResumeOptions,
  addSchedulingOptions,
  addSimulationOptions,
  fallbackOption,
  fileOption,
  journalOption,
  outputOption,
  portOption,
  traceOption,
} from './options/option-groups.js';
import type { RunFlags } from './options/run-flags.js';
import { forTerminal } from './output/terminal-text.js';

const PLAN = 'plan file (YAML or JSON), or - for standard input';
const RUN = 'run id, or the start of one';

/**
 * Creates the command line. The code of a command is loaded when the command runs, so that `--help`
 * is quick.
 *
 * @param setExitCode Receives the exit code of the command that ran.
 */
export function createProgram(setExitCode: (exitCode: number) => void): Command {
  const program = new Command('stratagem')
    .description('Run, validate, draw and simulate plans of LLM tasks.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .configureOutput({ outputError: (text, print) => print(forTerminal(text)) })
    .exitOverride()
    .showHelpAfterError('(see stratagem --help)')
    .addHelpText(
      'after',
      `
Exit codes:
  0    completed
  1    the plan failed
  2    usage error or invalid plan
  130  interrupted (Ctrl-C)
  143  terminated (SIGTERM)

When a task waits for a human, stratagem asks on the terminal. Without a
terminal, use --approve, --reject or --answer. A plan that the model makes for
--goal is confirmed on the terminal; without one, use --yes.

Examples:
  stratagem run plan.yaml
  stratagem run plan.yaml --runner openai --max-parallel 8 --deadline 5m
  stratagem run --goal "Compare three databases" --runner openai
  stratagem run plan.yaml --journal .stratagem
  stratagem run plan.yaml --input company=Apple --input text=@notes.txt
  stratagem run plan.yaml --ui --report run.html
  stratagem ui --journal .stratagem
  stratagem plan "Compare three databases" -o plan.yaml
  stratagem graph plan.yaml --format dot | dot -Tsvg > plan.svg
  stratagem simulate plan.yaml --max-parallel 4,8 --requests-per-minute 60`,
    );

  const run = program
    .command('run')
    .description('run a plan (progress on stderr, result on stdout)')
    .argument('[plan]', PLAN)
    .option('--goal <text>', 'let the model make the plan for this goal')
    .option('--yes', 'run the plan made for --goal without confirmation')
    .addOption(fallbackOption())
    .option('--fail-fast', 'stop all tasks at the first failure')
    .addOption(journalOption('record the run in this directory, so that it can be resumed'))
    .option('--reuse', 'reuse recorded outputs of unchanged tasks (needs --journal)')
    .option('--dry-run', 'show which tasks would run, and why; run nothing')
    .option('--json', 'print the result as JSON');
  addModelOptions(addSchedulingOptions(addInputOptions(run))).action(
    async (file: string | undefined, flags: RunFlags, command: Command) => {
      const { goal } = flags;
      if (goal !== undefined) {
        if (file !== undefined) command.error('error: use a plan file or --goal, not both');
        const { runGoalCommand } = await import('./commands/run-goal.js');
        setExitCode(await runGoalCommand(goal, flags));
        return;
      }
      if (file === undefined) {
        command.error("error: missing required argument 'plan' (or use --goal)");
      }
      const { runCommand } = await import('./commands/run.js');
      setExitCode(await runCommand(file, flags));
    },
  );

  const plan = program
    .command('plan')
    .description('let the model make a plan, and print it without running it')
    .argument('<goal>', 'what the plan should achieve')
    .addOption(outputOption())
    .option('--force', 'overwrite an existing file')
    .option('--json', 'print the plan, and how it was made, as JSON');
  addModelOptions(addPlanOptions(plan)).action(async (goal: string, flags: PlanFlags) => {
    const { planCommand } = await import('./commands/plan.js');
    setExitCode(await planCommand(goal, flags));
  });

  const resume = program
    .command('resume')
    .description('resume a recorded run')
    .argument('<run>', RUN)
    .addOption(requiredJournal())
    .option('--retry-failed', 're-run failed tasks and their dependents')
    .option('--plan <file>', 'compare with this plan file (default: the original file)')
    .option('--accept-changes', 'resume with the changed plan file')
    .option('--use-recorded-plan', 'resume with the recorded plan; ignore the file')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nOptions that you leave out keep their values from the recorded run.');
  addResumeOptions(addInputOptions(resume)).action(async (runId: string, flags: ResumeFlags) => {
    const { resumeCommand } = await import('./commands/resume.js');
    setExitCode(await resumeCommand(runId, flags));
  });

  program
    .command('runs')
    .description('list the recorded runs, newest first')
    .addOption(requiredJournal())
    .option('--json', 'print the list as JSON')
    .action(async (flags: RunsFlags) => {
      const { runsCommand } = await import('./commands/runs.js');
      setExitCode(await runsCommand(flags));
    });

  program
    .command('show')
    .description('print the result of a recorded run, even if it is incomplete')
    .argument('<run>', RUN)
    .addOption(requiredJournal())
    .option('--json', 'print the result as JSON, like run --json')
    .action(async (runId: string, flags: ShowFlags) => {
      const { showCommand } = await import('./commands/show.js');
      setExitCode(await showCommand(runId, flags));
    });

  program
    .command('report')
    .description('write a recorded run into an HTML file, also while it is under way')
    .argument('<run>', RUN)
    .addOption(requiredJournal())
    .addOption(fileOption('-o, --output <file>', 'the HTML file (default: run-ID.html)'))
    .addOption(fileOption('--compare <run>', 'a second run, to compare this one with'))
    .addOption(traceOption())
    .addOption(fileOption('--timeline <file>', 'also draw the timeline (SVG)'))
    .addOption(fileOption('--graph <file>', 'also draw the graph (SVG)'))
    .action(async (runId: string, flags: ReportFlags) => {
      const { reportCommand } = await import('./commands/report.js');
      setExitCode(await reportCommand(runId, flags));
    });

  program
    .command('ui')
    .description('serve a page of all recorded runs, for this machine alone')
    .addOption(requiredJournal())
    .addOption(portOption())
    .addOption(fileOption('--host <address>', 'address to listen on (default: 127.0.0.1)'))
    .action(async (flags: UiFlags) => {
      const { uiCommand } = await import('./commands/ui.js');
      setExitCode(await uiCommand(flags));
    });

  program
    .command('why')
    .description('explain what a recorded run, or one of its tasks, waited for')
    .argument('<run>', RUN)
    .argument('[task]', 'id of a task')
    .addOption(requiredJournal())
    .option('--json', 'print the explanation as JSON')
    .action(async (runId: string, taskId: string | undefined, flags: WhyFlags) => {
      const { whyCommand } = await import('./commands/why.js');
      setExitCode(await whyCommand(runId, taskId, flags));
    });

  program
    .command('validate')
    .description('check a plan and list all its problems')
    .argument('<plan>', PLAN)
    .action(async (file: string) => {
      const { validateCommand } = await import('./commands/validate.js');
      setExitCode(await validateCommand(file));
    });

  program
    .command('graph')
    .description('print the dependency graph of a plan')
    .argument('<plan>', PLAN)
    .addOption(
      new Option('--format <name>', 'output format').choices(GRAPH_FORMATS).default('mermaid'),
    )
    .action(async (file: string, { format }: { format: GraphFormat }) => {
      const { graphCommand } = await import('./commands/graph.js');
      setExitCode(await graphCommand(file, format));
    });

  const compare = program
    .command('compare')
    .description('compare strategies and limits on a plan: simulated, or for real with --runner')
    .argument('<plan>', PLAN)
    .option('--json', 'print the results as JSON');
  addComparisonOptions(compare).action(async (file: string, flags: CompareFlags) => {
    const { compareCommand } = await import('./commands/compare.js');
    setExitCode(await compareCommand(file, flags));
  });

  const simulate = program
    .command('simulate')
    .description('estimate how long a plan takes; calls no model')
    .argument('<plan>', PLAN)
    .option('--json', 'print the results as JSON');
  addSimulationOptions(simulate).action(async (file: string, flags: SimulateFlags) => {
    const { simulateCommand } = await import('./commands/simulate.js');
    setExitCode(await simulateCommand(file, flags));
  });

  for (const each of program.commands) {
    each.showHelpAfterError(`(see stratagem ${each.name()} --help)`);
  }
  return program;
}

function requiredJournal(): Option {
  return journalOption('directory of the recorded runs').makeOptionMandatory();
}

function packageVersion(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}
