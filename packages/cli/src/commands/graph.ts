import { loadOptions, loadPlan } from '../load/load-plan.js';
import { filesRead } from '../load/read-files.js';
import type { GraphFormat } from '../options/choices.js';
import type { OutputFlags } from '../options/page-flags.js';
import type { ModuleFlags } from '../options/run-flags.js';
import { EXIT } from '../output/exit-code.js';
import { formatGraph } from '../output/graph-format.js';
import { checkOutput, printResult } from '../output/result-file.js';
import type { Settings } from '../settings/settings.js';

export interface GraphFlags extends OutputFlags, ModuleFlags {
  readonly format: GraphFormat;
  /** Whether the tasks of modules are drawn. */
  readonly unfold?: boolean;
}

/** `stratagem graph PLAN` */
export async function graphCommand(
  file: string,
  flags: GraphFlags,
  settings: Settings,
): Promise<number> {
  const loaded = await loadPlan(file, loadOptions(flags, settings));
  await checkOutput(flags, filesRead(loaded, settings));
  await printResult(`${formatGraph(loaded.plan, flags.format, flags.unfold)}\n`, flags);
  return EXIT.completed;
}
