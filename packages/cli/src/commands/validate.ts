import { Graph } from '@stratagem/core/kernel';
import { loadPlan } from '../load/load-plan.js';
import { resolveRunners } from '../options/resolve-runners.js';
import { EXIT } from '../output/exit-code.js';
import { plural } from '../output/plural.js';
import { write } from '../output/streams.js';
import { onOneLine } from '../output/terminal-text.js';
import type { Settings } from '../settings/settings.js';

/** `stratagem validate PLAN` */
export async function validateCommand(file: string, settings: Settings): Promise<number> {
  const { plan, strategy, models } = await loadPlan(file, settings.models);
  // Their options are checked by the providers.
  await resolveRunners({}, models);
  const tasks = plural(new Graph(plan.tasks).size, 'task');
  const details = strategy === undefined ? tasks : `${tasks}, ${strategy.name}`;
  await write(process.stdout, `${onOneLine(plan.goal)}: valid (${details})\n`);
  return EXIT.completed;
}
