import { useEffect, useState } from 'preact/hooks';
import type { ShownRun } from './source.js';

/** Runs with more tasks than this are painted four times a second, like pages in the background. */
const MANY_TASKS = 2_000;

/** The time of the run: of the model, or with the clock since it came while the run is under way. */
export function useNow({ model, receivedAt }: ShownRun): number {
  const [, tick] = useState(0);
  const isTicking = model.isLive && model.status === 'running';
  useEffect(() => {
    if (!isTicking) return undefined;
    let timer: number;
    const next = () => {
      const isSlow = document.hidden || model.tasks.length > MANY_TASKS;
      timer = setTimeout(
        () => {
          requestAnimationFrame(() => tick((count) => count + 1));
          next();
        },
        isSlow ? 250 : 100,
      );
    };
    next();
    return () => clearTimeout(timer);
  }, [isTicking, model.tasks.length > MANY_TASKS]);
  return isTicking ? model.now + Math.max(0, performance.now() - receivedAt) : model.now;
}
