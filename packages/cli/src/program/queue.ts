import type { Command } from 'commander';
import type { CoordinatorFlags } from '../commands/coordinator.js';
import type { SubmitFlags } from '../commands/submit.js';
import type { WorkerFlags } from '../commands/worker.js';
import {
  addCoordinatorOptions,
  addSubmitOptions,
  addWorkerOptions,
  engineOption,
  journalOption,
  outsideOption,
} from '../options/option-groups.js';
import { journalOrEngine, requireJournal } from '../settings/apply-settings.js';
import { type Context, PLAN } from './context.js';

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
}
