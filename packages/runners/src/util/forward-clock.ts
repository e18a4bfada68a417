/**
 * A clock of Unix milliseconds that never goes back. It follows the time of day while that is ahead,
 * because a machine may have slept. When the time of day is set back, the clock runs on evenly.
 * So a lifetime never lasts longer than it should; after a step forward it may be over too early.
 */
export function forwardClock(): () => number {
  let time = Date.now();
  let readAt = performance.now();
  return () => {
    const now = performance.now();
    time = Math.max(Date.now(), time + now - readAt);
    readAt = now;
    return time;
  };
}
