import { type Command, Option } from 'commander';
import type { AnswerFlags, CancelFlags } from '../commands/control.js';
import type { CoordinatorFlags } from '../commands/coordinator.js';
import type { SubmitFlags } from '../commands/submit.js';
import type { WorkerFlags } from '../commands/worker.js';
import {
  addAnswerOptions,
  addCoordinatorOptions,
  addSubmitOptions,
  addWorkerOptions,
  engineOption,
  journalOption,
  outsideOption,
} from '../options/option-groups.js';
import { list } from '../options/parse-values.js';
import { type JournalFlags, journalOrEngine, requireJournal } from '../settings/apply-settings.js';
import { type Context, PLAN, RUN } from './context.js';

/** Adds the commands for runs that several machines share. */
export function addQueueCommands(program: Command, context: Context): void {
  const journal = () =>
    journalOption('where the runs are queued: postgres://user@host/database or redis://host');

  const submit = program
    .command('submit')
    .description('queue a run for the coordinators, and print its id')
    .argument('<plan>', PLAN)
    .addOption(outsideOption())
    .addOption(journal())
    .addOption(engineOption('the server of the coordinators, in place of --journal'));
  type Flags = SubmitFlags & { readonly engine?: string };
  addSubmitOptions(submit).action(async (file: string, { engine, ...flags }: Flags) => {
    const { submitCommand } = await import('../commands/submit.js');
    const place = requireJournal(journalOrEngine(flags.journal, engine), context.settings);
    context.end(await submitCommand(file, { ...flags, ...place }));
  });

  const coordinator = program
    .command('coordinator')
    .description('carry out queued runs until it is stopped')
    .addOption(journal())
    .addOption(
      engineOption(
        'let workers of this server carry out the attempts; also where the runs are queued',
      ),
    );
  addCoordinatorOptions(coordinator).action(async (flags: CoordinatorFlags) => {
    const { coordinatorCommand } = await import('../commands/coordinator.js');
    const given = flags.journal ?? flags.engine;
    const place = requireJournal(given, context.settings);
    context.end(await coordinatorCommand({ ...flags, ...place }, context.settings));
  });

  const worker = program
    .command('worker')
    .description('carry out attempts for coordinators until it is stopped')
    .addOption(
      engineOption('postgres://user@host/database, or redis://host').makeOptionMandatory(),
    );
  addWorkerOptions(worker).action(async (flags: WorkerFlags) => {
    const { workerCommand } = await import('../commands/worker.js');
    context.end(await workerCommand(flags, context.settings));
  });

  /** A command that changes a run of the coordinators. */
  const control = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .argument('<run>', RUN)
      .addOption(journal())
      .addOption(engineOption('the server of the coordinators, in place of --journal'));
  type Place = { readonly journal?: string; readonly engine?: string };
  const placed = <Flags extends Place>({ engine, ...flags }: Flags) => ({
    ...flags,
    ...requireJournal(journalOrEngine(flags.journal, engine), context.settings),
  });

  control('cancel', 'cancel a queued run, wherever it is carried out')
    .addOption(
      new Option('--task <id>', 'cancel this task, and not the run (repeatable)').argParser(list),
    )
    .action(async (run: string, flags: CancelFlags) => {
      const { cancelCommand } = await import('../commands/control.js');
      context.end(await cancelCommand(run, placed(flags)));
    });
  for (const isPaused of [true, false]) {
    control(
      isPaused ? 'pause' : 'unpause',
      isPaused ? 'start no more tasks of a queued run' : 'start tasks of a paused run again',
    ).action(async (run: string, flags: JournalFlags) => {
      const { pauseCommand } = await import('../commands/control.js');
      context.end(await pauseCommand(run, placed(flags), isPaused));
    });
  }
  const answer = control('answer', 'answer questions and approvals of a queued run');
  addAnswerOptions(answer).action(async (run: string, flags: AnswerFlags) => {
    const { answerCommand } = await import('../commands/control.js');
    context.end(await answerCommand(run, placed(flags)));
  });
}
