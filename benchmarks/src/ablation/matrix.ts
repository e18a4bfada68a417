import type { Workload } from '@stratagem/simulation';
import { batchOf, SERVERS, type ServerCase, WORKLOADS } from '../regret/matrix.js';
import { FAULTY_SERVERS } from './servers.js';

/** A workload on a server. */
export interface AblationCell {
  readonly workload: Workload;
  readonly server: ServerCase;
  /** Whether the regret matrix lacks it. */
  readonly isNew: boolean;
}

/** The longest tasks take this many times as long as the shortest. */
const APART = 20;

/** Tasks of two types, of 300 ms and 6 s, in any order: a mean over both describes neither. */
function twoTypes(seed: number): Workload {
  const { plan, demandOf } = (WORKLOADS[1] as (seed: number) => Workload)(seed);
  const typeOf = (id: string) => (isLong(id) ? 'aggregate' : 'observation');
  return {
    name: 'types ×20 apart',
    plan: { ...plan, tasks: plan.tasks.map((task) => ({ ...task, type: typeOf(task.id) })) },
    demandOf: (task) => {
      const { workMs, outputTokens, ...rest } = demandOf(task);
      const factor = 0.3 * (isLong(task.id) ? APART : 1);
      const tokens = Math.max(1, Math.round(outputTokens * factor));
      return { ...rest, workMs: workMs * factor, outputTokens: tokens };
    },
  };
}

/** A fifth of the tasks. */
function isLong(id: string): boolean {
  return Array.from(id).reduce((sum, character) => sum * 31 + character.charCodeAt(0), 7) % 5 === 0;
}

/** All cells. */
export function cellsOf(seed: number): AblationCell[] {
  const workloads = WORKLOADS.map((create) => create(seed));
  const types = twoTypes(seed);
  return [
    ...workloads.flatMap((workload) =>
      SERVERS.map((server) => ({ workload, server, isNew: false })),
    ),
    // Short batches end before a change pays off.
    ...[...SERVERS, ...FAULTY_SERVERS]
      .filter(({ factor }) => factor !== 1)
      .map((server) => ({ workload: batchOf(1_000)(seed), server, isNew: true })),
    ...SERVERS.map((server) => ({ workload: types, server, isNew: true })),
    ...[...workloads, types].flatMap((workload) =>
      FAULTY_SERVERS.map((server) => ({ workload, server, isNew: true })),
    ),
  ];
}
