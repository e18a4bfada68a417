import { type Command, Option } from 'commander';
import type { ResumeFlags } from './commands/resume.js';
import type { RunsFlags } from './commands/runs.js';
import type { ShowFlags } from './commands/show.js';
import { addResumeOptions } from './options/option-groups.js';
import { notEmpty } from './options/parse-values.js';

const RUN = 'the id of a run, or the beginning of one';

/** The commands for runs that are recorded. */
export function addJournalCommands(program: Command, finish: (exitCode: number) => void): void {
  const resume = withJournal(program.command('resume'))
    .description('go on with a recorded run where it was')
    .argument('<run>', RUN);
  addResumeOptions(resume)
    .option('--retry-failed', 'do again what failed, and what hung on it')
    .option(
      '--plan <file>',
      "compare with this file (default: the run's own, if it is still there)",
    )
    .option('--adopt', 'go on with the plan as the file has it now')
    .option('--as-recorded', 'go on with the plan as it was, whatever the file says now')
    .option('--json', 'print the result as one JSON document')
    .action(async (run: string, flags: ResumeFlags) => {
      const { resumeCommand } = await import('./commands/resume.js');
      finish(await resumeCommand(run, flags));
    });

  withJournal(program.command('runs'))
    .description('list the recorded runs, the newest first')
    .option('--json', 'print them as one JSON document')
    .action(async (flags: RunsFlags) => {
      const { runsCommand } = await import('./commands/runs.js');
      finish(await runsCommand(flags));
    });

  withJournal(program.command('show'))
    .description('print what a recorded run brought, so far')
    .argument('<run>', RUN)
    .option('--json', 'print it as one JSON document, like that of run')
    .action(async (run: string, flags: ShowFlags) => {
      const { showCommand } = await import('./commands/show.js');
      finish(await showCommand(run, flags));
    });
}

function withJournal(command: Command): Command {
  return command.addOption(
    new Option('--journal <dir>', 'the folder that runs are recorded in')
      .argParser(notEmpty)
      .makeOptionMandatory(),
  );
}
