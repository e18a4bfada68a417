import { adaptive } from '@stratagem/adaptive';
import type { RunEvent } from '@stratagem/core';
import { forecastOf, type RowFigures } from '@stratagem/datasets';
import { parallel } from '@stratagem/parallel';
import { type ServerModel, simulateOn } from '@stratagem/simulation';
import { randomFrom } from '../util/random.js';
import { median } from '../util/statistics.js';
import type { Coverage } from './coverage.js';
import { alike, type Draw, drawFrom } from './kinds.js';

/** A kind of maps: what the server is like. */
export interface MapKind {
  readonly name: string;
  /** Each map has a server of its own: the figures of the kind are drawn for it. */
  readonly serverOf: (draw: Draw) => ServerModel;
}

export interface MapSizes {
  readonly sample: number;
  /** Rows after the sample. */
  readonly rows: number;
  readonly maxParallel: number;
  /** Whether the strategy is `adaptive`, otherwise it is `parallel`. */
  readonly isLearning: boolean;
}

/** How often the forecasts of maps hold, as for pairs of runs. */
export type MapCoverage = Omit<Coverage, 'name' | 'pairs'>;

const retry = { maxAttempts: 1_000, initialDelayMs: 100 };

/** Does the sample of a map, forecasts the rest from it, and does the rest, on one server after another. */
export function mapCoverageOf({ serverOf }: MapKind, sizes: MapSizes, maps: number): MapCoverage {
  const { rows, maxParallel, isLearning } = sizes;
  let [time, cost, longer] = [0, 0, 0];
  const widths: number[] = [];
  for (let seed = 0; seed < maps; seed++) {
    const { figures, realMs, realUsd } = runMap(serverOf(drawFrom(seed)), sizes, seed);
    const { timeMs, costUsd } = forecastOf(figures, rows, { maxParallel, isLearning }) ?? {};
    if (timeMs === undefined || costUsd === undefined) throw new Error('no range');
    if (timeMs.low <= realMs && realMs <= timeMs.high) time++;
    if (realMs > timeMs.high) longer++;
    if (costUsd.low <= realUsd && realUsd <= costUsd.high) cost++;
    widths.push((timeMs.high - timeMs.low) / timeMs.expected);
  }
  return { time: time / maps, cost: cost / maps, longer: longer / maps, width: median(widths) };
}

/** The rows of a sample, and then the others. */
function runMap(
  server: ServerModel,
  { sample, rows, maxParallel, isLearning }: MapSizes,
  seed: number,
) {
  const random = randomFrom(seed);
  const strategy = isLearning ? adaptive({ maxParallel }) : parallel({ maxParallel });
  const ids = Array.from({ length: sample }, (_, n) => `sample ${n}`);
  const tasks = [
    ...ids.map((id) => ({ id, description: 'x' })),
    ...Array.from({ length: rows }, (_, n) => ({
      ...{ id: `row ${n}`, description: 'x', dependencies: ids },
    })),
  ];
  const { timeline } = simulateOn(
    { goal: 'map', tasks },
    { server, seed, strategy, retry, timeoutMs: 40_000, demandOf: (task) => alike(task, random) },
  );
  const all = figuresOf(timeline);
  const figures = ids.map((id) => all.get(id) as RowFigures);
  const rest = [...all].flatMap(([id, row]) => (id.startsWith('row ') ? [row] : []));
  const endOf = ({ startedAt = 0, durationMs }: RowFigures) => startedAt + durationMs;
  const realMs = Math.max(...rest.map(endOf)) - Math.max(...figures.map(endOf));
  const realUsd = rest.reduce((sum, { costUsd = 0 }) => sum + costUsd, 0);
  return { figures, realMs, realUsd };
}

function figuresOf(timeline: readonly RunEvent[]): Map<string, RowFigures> {
  const starts = new Map<string, number>();
  const rows = new Map<string, RowFigures>();
  for (const event of timeline) {
    if (event.type === 'task_started' && !starts.has(event.taskId)) {
      starts.set(event.taskId, event.timestamp);
    }
    if (event.type !== 'task_completed') continue;
    const { taskId, usage, costUsd, timestamp } = event;
    const startedAt = starts.get(taskId) as number;
    const tokens = usage && usage.inputTokens + usage.outputTokens;
    rows.set(taskId, { startedAt, durationMs: timestamp - startedAt, costUsd, tokens });
  }
  return rows;
}
