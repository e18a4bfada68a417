import type { Strategy, TaskView } from '../src/contract/strategy.js';
import type { Dice } from './dice.js';

const KINDS = ['first', 'last', 'any', 'waiting', 'shy'] as const;

/**
 * A strategy under which every run ends, and the longest time that it lets a ready task wait, in
 * milliseconds.
 */
export function randomStrategy(
  dice: Dice,
  isSpecial: boolean,
): { readonly strategy: Strategy; readonly patienceMs: number } {
  const kind = isSpecial ? dice.pick(KINDS, 'strategy') : 'first';
  const cap = dice.chance(0.3, 'strategy has a cap') ? { maxParallel: 2 } : {};
  const strategy: Strategy = {
    name: kind,
    ...(isSpecial && cap),
    begin(run) {
      const ready: TaskView[] = [];
      let asked = 0;
      /** Tasks that had not begun when it last asked to wait. */
      let before: number | undefined;
      /**
       * It waits at most once until the next event: successive waits would exceed its patience, because
       * chosen tasks may also wait for their server.
       */
      const mayWait = () => {
        const left = run.remaining - run.running;
        if (left === before) return false;
        before = left;
        return true;
      };
      return {
        ready: (task) => ready.push(task),
        next(now) {
          asked++;
          // The time may be that of another event, or between two.
          if (kind === 'waiting' && asked % 3 === 0 && mayWait())
            return { until: now + (asked % 2 ? 5 : 2.5) };
          if (kind === 'shy' && run.running > 0 && asked % 2 === 0) return undefined;
          const last = ready.length - 1;
          const position =
            kind === 'last' ? last : kind === 'any' ? dice.below(last + 1, `choice ${asked}`) : 0;
          return ready.splice(position, 1)[0];
        },
      };
    },
  };
  const patienceMs = kind === 'shy' ? Number.POSITIVE_INFINITY : kind === 'waiting' ? 5 : 0;
  return { strategy, patienceMs };
}
