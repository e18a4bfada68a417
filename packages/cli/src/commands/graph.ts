import { loadPlan } from '../load/load-plan.js';
import type { GraphFormat } from '../options/choices.js';
import { EXIT } from '../output/exit-code.js';
import { formatGraph } from '../output/graph-format.js';
import { write } from '../output/streams.js';
import type { Settings } from '../settings/settings.js';

/** `stratagem graph PLAN` */
export async function graphCommand(
  file: string,
  format: GraphFormat,
  settings: Settings,
): Promise<number> {
  const { plan } = await loadPlan(file, settings.models);
  await write(process.stdout, `${formatGraph(plan, format)}\n`);
  return EXIT.completed;
}
