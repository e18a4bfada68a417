import { MECHANISMS } from '../mechanisms.js';
import type { CensoredGroup } from './lognormal-em.js';
import type { Kind, Request } from './request.js';
import { logWorkBetween } from './work-statistics.js';

/** The most groups of a kind, to bound the cost. */
const MOST = 16;

/**
 * Groups requests in flight that are censored observations: their work is more than what has been done. The
 * groups are used again and again, as allocating an array takes longer than filling it.
 */
export class CensoredGroups {
  readonly #groups: CensoredGroup[] = [];
  readonly #hypotheses: number;

  /** @param hypotheses The number of hypotheses. */
  constructor(hypotheses: number) {
    this.#hypotheses = hypotheses;
  }

  /**
   * The requests of kinds that have answers, oldest first. The next call changes the groups.
   *
   * @param open Requests in flight, with the progress when they started.
   * @param progress The current progress, by hypothesis.
   * @param answered The kinds that have answers.
   */
  of(
    open: ReadonlyMap<Request, Float64Array>,
    progress: Float64Array,
    answered: { has(kind: Kind): boolean },
  ): readonly CensoredGroup[] {
    const groups: CensoredGroup[] = [];
    if (!MECHANISMS.requestsInFlight) return groups;
    const filling = new Map<Kind, CensoredGroup>();
    const size = Math.ceil(open.size / MOST);
    for (const [{ kind, logEstimate }, start] of open) {
      if (!answered.has(kind)) continue;
      let group = filling.get(kind);
      if (group === undefined) {
        group = this.#emptyGroup(groups.length, kind);
        filling.set(kind, group);
        groups.push(group);
      }
      const share = 1 / ++group.count;
      const { meanLogWork } = group;
      for (let h = 0; h < start.length; h++) {
        const mean = meanLogWork[h] as number;
        const logWork = logWorkBetween(start, progress, h) - logEstimate;
        meanLogWork[h] = mean + share * (logWork - mean);
      }
      if (group.count === size) filling.delete(kind);
    }
    return groups;
  }

  #emptyGroup(position: number, kind: Kind): CensoredGroup {
    const used = this.#groups[position];
    if (used !== undefined) {
      used.meanLogWork.fill(0);
      return Object.assign(used, { kind, count: 0 });
    }
    const group = { kind, count: 0, meanLogWork: new Float64Array(this.#hypotheses) };
    this.#groups.push(group);
    return group;
  }
}
