import { adaptive } from '@stratagem/adaptive';
import {
  createExecutor,
  type Plan,
  type PlanResult,
  type StrategyInitialized,
  type StrategySwitched,
  type TaskRunner,
} from '@stratagem/core';
import { chooseRunner } from './choose-runner.js';
import { seconds, title } from './print.js';
import { runIfMain } from './run-if-main.js';

const PHASES = ['research', 'synthesise', 'write', 'review'] as const;

function ids(phase: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${phase} ${n + 1}`);
}

/** Four phases: short parallel look-ups, one long synthesis, longer parallel texts, one review. */
function planOf(lookUps: number, chapters: number): Plan {
  const research = ids('research', lookUps);
  const write = ids('write', chapters);
  return {
    goal: 'A report on the battery industry',
    tasks: [
      ...research.map((id, n) => ({
        id,
        type: 'observation' as const,
        description: `Name one fact about battery maker no. ${n + 1}, in one line.`,
      })),
      {
        id: 'synthesise',
        type: 'aggregate',
        description: 'What do these facts have in common? One paragraph.',
        dependencies: research,
      },
      ...write.map((id, n) => ({
        id,
        description: `Write chapter ${n + 1} of the report, in three sentences.`,
        dependencies: ['synthesise'],
      })),
      {
        id: 'review',
        type: 'decision',
        description: 'Is this fit to print? Answer yes or no.',
        dependencies: write,
      },
    ],
  };
}

export async function run(runner: TaskRunner, lookUps = 120, chapters = 30) {
  const executor = createExecutor({ strategy: adaptive({ maxParallel: 64 }), runner });
  return await executor.execute(planOf(lookUps, chapters));
}

/** Each change of the strategy: when, why, and on which measurements. */
export function strategyTimeline({ timeline }: PlanResult): string[] {
  const began = timeline[0]?.timestamp ?? 0;
  return timeline.flatMap((event) => {
    if (event.type !== 'strategy_initialized' && event.type !== 'strategy_switched') return [];
    return `${seconds(event.timestamp - began).padStart(7)}  ${describe(event)}`;
  });
}

function describe(event: StrategyInitialized | StrategySwitched): string {
  if (event.type === 'strategy_initialized') {
    return `${event.strategy}, at most ${event.maxParallel} at once`;
  }
  const { from, to, limit, reason, figures } = event;
  const mode = from === to ? to : `${from} → ${to}`;
  const line = `${mode}, up to ${limit} at once: ${reason}`;
  if (figures === undefined) return line;
  const { tasksPerSecond, averageLatencyMs, parallelEfficiency } = figures;
  const measured = [
    `${tasksPerSecond.toFixed(1)} tasks/s`,
    `average latency ${seconds(averageLatencyMs)}`,
    `parallel efficiency ${(100 * parallelEfficiency).toFixed(0)} %`,
  ];
  return `${line}\n${' '.repeat(11)}${measured.join(', ')}`;
}

/** The number of tasks, the time, the work and the average concurrency of each phase. */
export function phases({ tasks }: PlanResult): string[][] {
  return PHASES.map((phase) => {
    const own = tasks.filter(({ id }) => id.startsWith(phase));
    const starts = own.flatMap(({ startedAt }) => startedAt ?? []);
    const ends = own.flatMap(({ completedAt }) => completedAt ?? []);
    const elapsed = Math.max(...ends) - Math.min(...starts);
    const work = own.reduce((sum, { durationMs = 0 }) => sum + durationMs, 0);
    const figures = [seconds(elapsed), seconds(work), (work / elapsed).toFixed(1)];
    return [phase, `${own.length}`, ...figures];
  });
}

export async function main(runner: TaskRunner): Promise<void> {
  title('Adaptive: four phases at the best concurrency for the server');
  const result = await run(runner);
  for (const line of strategyTimeline(result)) console.log(`  ${line}`);
  console.log(`\n  ${'Phase'.padEnd(12)} Tasks     Time     Work  At once`);
  for (const [name = '', tasks = '', time = '', work = '', atOnce = ''] of phases(result)) {
    const row = [tasks.padStart(5), time.padStart(8), work.padStart(8), atOnce.padStart(8)];
    console.log(`  ${name.padEnd(12)} ${row.join(' ')}`);
  }
  const { executionTimeMs, speedup } = result.metrics;
  console.log(
    `\n  ${seconds(executionTimeMs)}, ${speedup.toFixed(1)} times as fast as one task at a time`,
  );
  if (result.status !== 'completed') throw result.error;
}

await runIfMain(import.meta, async () =>
  main(await chooseRunner({ latencyMs: { medianMs: 200, sigma: 0.3 } })),
);
