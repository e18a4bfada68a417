import { isDeepStrictEqual } from 'node:util';
import {
  type InputValues,
  type Journal,
  type Plan,
  readRun,
  type ValueCodec,
} from '@stratagem/core';
import { planToData } from '@stratagem/core/kernel';
import { figuresOf, isFree, type RowFigures } from './forecast.js';
import { RowFold } from './mapped-row.js';

/** Where the runs of a map are recorded, and how they are read. */
export interface Records {
  readonly journal: Journal;
  readonly codecs: readonly ValueCodec[] | undefined;
  /** The input of the runs with the rows. */
  readonly rowsName: string;
}

/** How the run of an earlier map began. */
export interface Opening {
  readonly runId: string;
  readonly size: number;
  /** Its plan as data. */
  readonly plan: unknown;
}

/** The record of a run of an earlier map. */
export interface History {
  /** The results of its rows. */
  readonly fold: RowFold;
  /** Whether it has the same rows and constants, so that it can be resumed. */
  readonly isSame: boolean;
  /** Whether the plan of the user is the same, as far as data can tell. */
  readonly isSamePlan: boolean;
  /** Whether nothing differs, so that its results are those of the group. */
  readonly isIdentical: boolean;
  readonly hasStarted: boolean;
  readonly hasEnded: boolean;
  /** What its completed rows have taken. */
  readonly figures: readonly RowFigures[];
}

/** Reads how a run began; undefined for one that was created and has not begun. */
export async function openingOf(
  { journal, rowsName }: Records,
  runId: string,
): Promise<Opening | undefined> {
  for await (const { type, plan, inputs } of journal.read(runId)) {
    if (type !== 'run_started') continue;
    const rows = Object(inputs)[rowsName];
    return Array.isArray(rows) ? { runId, size: rows.length, plan } : undefined;
  }
  return undefined;
}

/**
 * Reads the record of a run, and compares it with the one that its group of rows would have now.
 *
 * @param opening How it began; undefined when it has not.
 */
export async function historyOf(
  { journal, codecs, rowsName }: Records,
  runId: string,
  opening: Opening | undefined,
  { plan, values }: { readonly plan: Plan; readonly values: InputValues },
): Promise<History> {
  const fold = new RowFold(opening?.size ?? (values[rowsName] as readonly unknown[]).length);
  let isSame = true;
  let hasEnded = false;
  for await (const event of readRun(journal, runId, { codecs })) {
    if (event.type === 'run_started')
      isSame = isDeepStrictEqual({ ...event.inputs }, { ...values });
    hasEnded = ['run_completed', 'run_failed', 'run_canceled'].includes(event.type);
    fold.apply(event);
  }
  const isSamePlan = opening === undefined || hasSameModule(opening, plan);
  return {
    ...{ fold, isSame, isSamePlan, hasEnded, hasStarted: opening !== undefined },
    isIdentical: isSame && isDeepStrictEqual(opening?.plan, planToData(plan)),
    figures: fold.figures((row) => (isFree(row) ? [] : figuresOf(row))),
  };
}

/** Whether the rows of a recorded run went through the same plan. */
function hasSameModule({ plan: recorded }: Opening, plan: Plan): boolean {
  const [before] = (recorded as ReturnType<typeof planToData>).tasks;
  const [now] = planToData(plan).tasks;
  return isDeepStrictEqual(before?.plan, now?.plan);
}
