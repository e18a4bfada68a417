import type { InputValues, Journal, Plan } from '@stratagem/core';
import { type History, historyOf, type Opening, openingOf, type Records } from './history.js';

/** What the runs of earlier maps have recorded about the groups of a map. */
export class RecordedGroups {
  /** Undefined where nothing can be recorded. */
  readonly #records: Records | undefined;
  #latest: ReadonlyMap<number, string> = new Map();
  /** The one that was read last. */
  #opening: Opening | undefined;

  constructor(records: Records | undefined) {
    this.#records = records;
  }

  /** Looks for the runs of the map with this id. */
  async find(mapId: string): Promise<void> {
    if (this.#records !== undefined) this.#latest = await latestRuns(this.#records.journal, mapId);
  }

  /** The id of the latest run for a group; undefined for none. */
  runIdOf(number: number): string | undefined {
    return this.#latest.get(number);
  }

  /** How many rows it has. */
  async sizeOf(number: number): Promise<number | undefined> {
    const runId = this.#latest.get(number);
    return runId === undefined ? undefined : (await this.#openingOf(runId))?.size;
  }

  /** Its record, compared with the run that the group would have now. */
  async historyOf(
    number: number,
    run: { readonly plan: Plan; readonly values: InputValues },
  ): Promise<History | undefined> {
    const runId = this.#latest.get(number);
    if (runId === undefined || this.#records === undefined) return undefined;
    return historyOf(this.#records, runId, await this.#openingOf(runId), run);
  }

  async #openingOf(runId: string): Promise<Opening | undefined> {
    if (this.#opening?.runId === runId) return this.#opening;
    this.#opening = this.#records && (await openingOf(this.#records, runId));
    return this.#opening;
  }
}

/** The latest run of a map for each group of rows. */
async function latestRuns(journal: Journal, mapId: string): Promise<ReadonlyMap<number, string>> {
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
