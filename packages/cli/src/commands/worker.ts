import type { Plan, TaskRunner, Tool } from '@stratagem/core';
import type { SharedLimits } from '@stratagem/core/journal';
import { loadPlans } from '../load/load-plans.js';
import { needingApproval, withTools } from '../load/load-tools.js';
import { checkEngine, loadBullmq, usable } from '../load/open-engine.js';
import { openSharedLimits } from '../load/open-server.js';
import { shownJournal } from '../options/journal-place.js';
import { type ResolvedRunners, resolveRunners } from '../options/resolve-runners.js';
import type { ExecutorFlags } from '../options/run-flags.js';
import { EXIT } from '../output/exit-code.js';
import { write } from '../output/streams.js';
import { Preflight } from '../run/preflight.js';
import { stopOnSignals } from '../run/signals.js';
import { announceSimulation } from '../run/simulation-notice.js';
import { stepOptions } from '../run/step-options.js';
import { withSettings } from '../settings/apply-settings.js';
import type { Settings } from '../settings/settings.js';
import { ANY_PLAN } from './coordinator.js';

export interface WorkerFlags extends ExecutorFlags {
  readonly engine: string;
  readonly concurrency?: number;
  readonly plans?: readonly string[];
}

/** `stratagem worker`: carries out attempts until it is stopped. */
export async function workerCommand(given: WorkerFlags, settings: Settings): Promise<number> {
  const flags: WorkerFlags = withSettings(given, settings);
  const { engine, plans: files = [] } = flags;
  const preflight = new Preflight();
  await preflight.try(() => checkEngine(engine));
  const plans: Plan[] = [];
  for (const file of files) plans.push(...((await preflight.try(() => loadPlans(file))) ?? []));
  const limits = await preflight.try(() => limitsOf(flags));
  try {
    const resolved = await preflight.try(() => resolveRunners(flags, settings.models, limits));
    if (resolved !== undefined) await checkRunners(preflight, resolved, given, settings);
    preflight.finish();
    return await withTools(flags, async (tools) => {
      await announceSimulation(flags, { plan: ANY_PLAN, ...(settings.models && settings) });
      return serve(flags, resolved as ResolvedRunners, plans, tools ?? []);
    });
  } finally {
    await limits?.close();
  }
}

async function serve(
  flags: WorkerFlags,
  resolved: ResolvedRunners,
  plans: readonly Plan[],
  found: readonly Tool[],
): Promise<number> {
  const { engine, concurrency, approveTools } = flags;
  const { serveAttempts } = await loadBullmq();
  const say = (text: string) => void write(process.stderr, `${text}\n`);
  // Files are saved by the coordinators.
  const { files: _, tools = [], ...steps } = await stepOptions(ANY_PLAN, flags, found);
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    stopOnSignals((_, signal) => resolve(signal));
  });
  let last = '';
  const worker = await usable(() =>
    serveAttempts({
      ...{ url: engine, ...resolved, ...steps, plans },
      tools: needingApproval(tools, approveTools),
      ...(concurrency !== undefined && { concurrency }),
      onError({ message }) {
        // A server that is away is reported by each of many connections, again and again.
        if (message !== last) say(`the engine: ${message}`);
        last = message;
      },
    }),
  );
  say(`Carrying out attempts of ${shownJournal(engine)}, until Ctrl-C`);
  // Deployments send SIGTERM, and let attempts in flight end. Others are begun again elsewhere.
  const drain = (await stopped) === 'SIGTERM';
  if (drain) say(`Finishing ${worker.running.length} attempts. A second signal quits at once.`);
  await worker.stop({ drain });
  return EXIT.completed;
}

/** Limits that hold over all workers; undefined without any. */
async function limitsOf({
  engine,
  requestsPerMinute,
  tokensPerMinute,
}: WorkerFlags): Promise<SharedLimits | undefined> {
  if (requestsPerMinute === undefined && tokensPerMinute === undefined) return undefined;
  return openSharedLimits(engine);
}

/** Reports runners that cannot answer any request, such as one without a key. */
async function checkRunners(
  preflight: Preflight,
  { runner, runners = {} }: ResolvedRunners,
  { runner: named }: WorkerFlags,
  { runner: set }: Settings,
): Promise<void> {
  const hasOwn = (named ?? set) !== undefined || Object.keys(runners).length === 0;
  const used = new Set<TaskRunner>([...(hasOwn ? [runner] : []), ...Object.values(runners)]);
  for (const each of used) await preflight.try(async () => void (await each.check?.()));
}
