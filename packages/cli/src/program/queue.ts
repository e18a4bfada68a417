import type { Command } from 'commander';
import type { CoordinatorFlags } from '../commands/coordinator.js';
import type { SubmitFlags } from '../commands/submit.js';
import {
  addCoordinatorOptions,
  addSubmitOptions,
  journalOption,
  outsideOption,
} from '../options/option-groups.js';
import { requireJournal } from '../settings/apply-settings.js';
import { type Context, PLAN } from './context.js';

/** Adds the commands for runs that several machines share. */
export function addQueueCommands(program: Command, context: Context): void {
  const journal = () => journalOption('where the runs are queued: postgres://user@host/database');

  const submit = program
    .command('submit')
    .description('queue a run for the coordinators, and print its id')
    .argument('<plan>', PLAN)
    .addOption(outsideOption())
    .addOption(journal());
  addSubmitOptions(submit).action(async (file: string, flags: SubmitFlags) => {
    const { submitCommand } = await import('../commands/submit.js');
    const place = requireJournal(flags.journal, context.settings);
    context.end(await submitCommand(file, { ...flags, ...place }));
  });

  const coordinator = program
    .command('coordinator')
    .description('carry out queued runs until it is stopped')
    .addOption(journal());
  addCoordinatorOptions(coordinator).action(async (flags: CoordinatorFlags) => {
    const { coordinatorCommand } = await import('../commands/coordinator.js');
    const place = requireJournal(flags.journal, context.settings);
    context.end(await coordinatorCommand({ ...flags, ...place }, context.settings));
  });
}
