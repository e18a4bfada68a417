import { isDeepStrictEqual } from 'node:util';
import { type InputValues, type Journal, type Plan, readRun } from '@stratagem/core';
import { planToData } from '@stratagem/core/kernel';
import { figuresOf, type RowFigures } from './forecast.js';
import { RowFold } from './mapped-row.js';

/** The record of a run of an earlier map. */
export interface History {
  /** The results of its rows. */
  readonly fold: RowFold;
  /** Whether it has the same rows and constants, so that it can be resumed. */
  readonly isSame: boolean;
  /** Whether the plan of the user is the same. */
  readonly isSamePlan: boolean;
  readonly hasStarted: boolean;
  readonly hasEnded: boolean;
  /** What its completed rows have taken. */
  readonly figures: readonly RowFigures[];
}

/** The latest run of a map for each group of rows. */
export async function latestRuns(
  journal: Journal,
  mapId: string,
): Promise<ReadonlyMap<number, string>> {
  const latest = new Map<number, { readonly id: string; readonly revision: number }>();
  for (const { id } of await journal.list()) {
    if (!id.startsWith(`${mapId}.`)) continue;
    const found = /^(\d{6,})(?:\.r(\d+))?$/.exec(id.slice(mapId.length + 1));
    if (found === null) continue;
    const number = Number(found[1]);
    const revision = Number(found[2] ?? 1);
    if ((latest.get(number)?.revision ?? 0) < revision) latest.set(number, { id, revision });
  }
  return new Map([...latest].map(([number, { id }]) => [number, id]));
}

/** Reads the record of a run. */
export async function historyOf(
  journal: Journal,
  runId: string,
  plan: Plan,
  values: InputValues,
  count: number,
): Promise<History> {
  let fold = new RowFold(count);
  let isSame = true;
  let hasStarted = false;
  let hasEnded = false;
  for await (const event of readRun(journal, runId)) {
    if (event.type === 'run_started') {
      hasStarted = true;
      const recorded = event.inputs ?? {};
      isSame = isDeepStrictEqual({ ...recorded }, { ...values });
      const rows = Object.values(recorded).find((value) => Array.isArray(value));
      fold = new RowFold((rows as readonly unknown[] | undefined)?.length ?? count);
    }
    hasEnded = ['run_completed', 'run_failed', 'run_canceled'].includes(event.type);
    fold.apply(event);
  }
  const isSamePlan = !hasStarted || (await hasSameModule(journal, runId, plan));
  return { fold, isSame, isSamePlan, hasStarted, hasEnded, figures: fold.figures(figuresOf) };
}

/** Whether the rows of a recorded run went through the same plan, as far as data can tell. */
async function hasSameModule(journal: Journal, runId: string, plan: Plan): Promise<boolean> {
  const [row] = planToData(plan).tasks;
  for await (const { type, plan: recorded } of journal.read(runId)) {
    if (type !== 'run_started') continue;
    const { tasks } = recorded as unknown as ReturnType<typeof planToData>;
    return isDeepStrictEqual(tasks[0]?.plan, row?.plan);
  }
  return true;
}
