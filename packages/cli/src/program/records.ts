import { type Command, Option } from 'commander';
import type { ForkFlags } from '../commands/fork.js';
import type { ReportFlags } from '../commands/report.js';
import type { ResumeFlags } from '../commands/resume.js';
import type { RunsFlags } from '../commands/runs.js';
import type { ShowFlags } from '../commands/show.js';
import type { UiFlags } from '../commands/ui.js';
import type { WhyFlags } from '../commands/why.js';
import {
  addInputOptions,
  addResumeOptions,
  allowReadOption,
  engineOption,
  fileOption,
  journalOption,
  outsideOption,
  portOption,
  resultOption,
  traceOption,
} from '../options/option-groups.js';
import { integerFrom, list, nonEmpty } from '../options/parse-values.js';
import { type JournalFlags, journalOrEngine, recordedJournal } from '../settings/apply-settings.js';
import { type Context, RUN } from './context.js';

/** Adds the commands for runs that a journal records. */
export function addRecordCommands(program: Command, context: Context): void {
  /** The flags of a command with the journal of the command line, or else of the settings. */
  const recorded = <Flags extends Partial<JournalFlags> & { readonly engine?: string }>({
    engine,
    ...flags
  }: Flags): Omit<Flags, 'engine'> & JournalFlags => ({
    ...flags,
    ...recordedJournal(journalOrEngine(flags.journal, engine), context.settings),
  });
  const journal = () =>
    journalOption('where the runs are recorded: a directory, postgres://… or redis://…');
  const engine = () => engineOption('the server of the coordinators, in place of --journal');

  const resume = program
    .command('resume')
    .description('resume a run, or retry what failed')
    .argument('<run>', RUN)
    .addOption(journal())
    .option('--retry-failed', 're-run failed tasks and their dependents')
    .option('--plan <file>', 'compare with this plan file (default: the original file)')
    .option('--accept-changes', 'resume with the changed plan file')
    .option('--use-recorded-plan', 'resume with the recorded plan; ignore the file')
    .addOption(allowReadOption())
    .addOption(outsideOption())
    .option('--json', 'print the result as JSON')
    .addOption(resultOption())
    .addHelpText('after', '\nOptions that you leave out keep their values from the recorded run.');
  addResumeOptions(addInputOptions(resume)).action(async (runId: string, flags: ResumeFlags) => {
    const { resumeCommand } = await import('../commands/resume.js');
    context.end(await resumeCommand(runId, recorded(flags), context.settings));
  });

  /** A command that begins a new run with the results of a recorded one. */
  const forking = (command: Command, hint: string) => {
    command
      .argument('<run>', RUN)
      .addOption(journal())
      .option('--edit <plan>', 'use this plan file in place of the recorded plan')
      .addOption(new Option('--run-id <id>', 'the id of the new run').argParser(nonEmpty))
      .addOption(allowReadOption())
      .addOption(outsideOption())
      .option('--json', 'print the result as JSON')
      .addOption(resultOption())
      .addHelpText('after', `\n${hint}`);
    addResumeOptions(addInputOptions(command)).action(async (runId: string, flags: ForkFlags) => {
      const { forkCommand } = await import('../commands/fork.js');
      const isRerun = command.name() === 'rerun';
      context.end(await forkCommand(runId, recorded(flags), context.settings, isRerun));
    });
  };
  const task = (description: string) => new Option('--task <id>', description).argParser(list);
  forking(
    program
      .command('rerun')
      .description('run tasks of a run again, in a new run that keeps the rest')
      .addOption(task('a task that runs again, with what depends on it (repeatable)')),
    `The recorded run stays as it is. Without --task, what --edit changes and what
failed runs again.

Examples:
  stratagem rerun 2b1acb3f --task report
  stratagem rerun 2b1acb3f --edit plan.yaml`,
  );
  forking(
    program
      .command('fork')
      .description('begin a new run with the past of a recorded one')
      .addOption(
        new Option('--at <event>', 'the last event that counts (default: the last one)').argParser(
          integerFrom(0),
        ),
      )
      .addOption(task('a task that runs again as well (repeatable)')),
    `The recorded run stays as it is. Tasks that completed after the event run again,
and so do those that use an input with another value. The page and run --json
have the numbers of events.

Examples:
  stratagem fork 2b1acb3f --at 120
  stratagem fork 2b1acb3f --input company=IBM`,
  );

  program
    .command('runs')
    .description('list the recorded runs, newest first')
    .addOption(journal())
    .addOption(engine())
    .option('--json', 'print the list as JSON')
    .action(async (flags: RunsFlags) => {
      const { runsCommand } = await import('../commands/runs.js');
      context.end(await runsCommand(recorded(flags)));
    });

  program
    .command('show')
    .description('print the result of a run, even if it is incomplete')
    .argument('<run>', RUN)
    .addOption(journal())
    .addOption(engine())
    .option('--json', 'print the result as JSON, like run --json')
    .addOption(resultOption())
    .action(async (runId: string, flags: ShowFlags) => {
      const { showCommand } = await import('../commands/show.js');
      context.end(await showCommand(runId, recorded(flags)));
    });

  program
    .command('why')
    .description('explain what a run, or one of its tasks, waited for')
    .argument('<run>', RUN)
    .argument('[task]', 'id of a task')
    .addOption(journal())
    .addOption(engine())
    .option('--json', 'print the explanation as JSON')
    .addOption(resultOption())
    .action(async (runId: string, taskId: string | undefined, flags: WhyFlags) => {
      const { whyCommand } = await import('../commands/why.js');
      context.end(await whyCommand(runId, taskId, recorded(flags)));
    });

  program
    .command('report')
    .description('write a run into an HTML file, finished or not')
    .argument('<run>', RUN)
    .addOption(journal())
    .addOption(engine())
    .addOption(fileOption('-o, --output <file>', 'the HTML file (default: run-ID.html)'))
    .addOption(fileOption('--compare <run>', 'a second run, to compare this one with'))
    .addOption(traceOption())
    .addOption(fileOption('--timeline <file>', 'also draw the timeline (SVG)'))
    .addOption(fileOption('--graph <file>', 'also draw the graph (SVG)'))
    .action(async (runId: string, flags: ReportFlags) => {
      const { reportCommand } = await import('../commands/report.js');
      context.end(await reportCommand(runId, recorded(flags)));
    });

  program
    .command('ui')
    .description('serve a page of all runs, for this machine alone')
    .addOption(journal())
    .addOption(engine())
    .addOption(portOption())
    .addOption(fileOption('--host <address>', 'address to listen on (default: 127.0.0.1)'))
    .action(async (flags: UiFlags) => {
      const { uiCommand } = await import('../commands/ui.js');
      context.end(await uiCommand(recorded(flags), context.settings));
    });
}
