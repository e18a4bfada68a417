import type { RunModel } from './run-model.js';

/** How many times the number of running tasks is sampled. */
const SAMPLES = 54;

/** A run in the list of runs. */
export interface RunSummary {
  readonly strategy: string;
  readonly durationMs: number;
  readonly speedup?: number | undefined;
  /** Null when it is unknown, or no tokens were reported. */
  readonly costUsd: number | null;
  readonly counts: RunModel['figures']['counts'];
  readonly total: number;
  /** Running tasks, sampled over the run, and their peak. */
  readonly spark: readonly number[];
  readonly peak: number;
}

export function summaryOf({ strategy, now, figures, concurrency }: RunModel): RunSummary {
  const { speedup, counts, total, peak } = figures;
  const hasTokens = figures.inputTokens + figures.outputTokens > 0;
  const costUsd = hasTokens || figures.costUsd !== 0 ? figures.costUsd : null;
  const spark: number[] = [];
  let position = 0;
  let running = 0;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const at = ((sample + 0.5) / SAMPLES) * now;
    for (; (concurrency[position]?.[0] ?? Infinity) <= at; position++) {
      running = concurrency[position]?.[1] ?? 0;
    }
    spark.push(running);
  }
  return { strategy, durationMs: now, speedup, costUsd, counts, total, spark, peak };
}
