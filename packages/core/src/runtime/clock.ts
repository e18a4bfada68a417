import { MAX_TIMER_MS } from '../util/timer.js';

/** How long the run may occupy the event loop before timers and signals get a turn. */
const TURN_MS = 50;
/** Read when the first run begins: a program that runs nothing need not load what measures time. */
let origin: number | undefined;

/**
 * The Unix time at which the machine's clock showed 0. The time of day is compared with it only when a
 * run begins: it may be set while a run lasts, and the time of a run is even. All runs of a process share
 * it until the time of day is set, so that their events are in order to a fraction of a millisecond.
 */
function currentOrigin(): number {
  origin ??= performance.timeOrigin;
  const difference = Date.now() - (origin + performance.now());
  // `Date.now()` cuts off fractions: it is behind by less than a millisecond.
  if (difference > 0 || difference <= -1) origin += difference;
  return origin;
}

/** The time of a run, its turns of the event loop, and the timer that wakes it. */
export class RunClock {
  readonly #wake: () => void;
  // Read once: both are getters in Node, and reading them took as long as reading the time.
  readonly #machine = performance;
  readonly #origin = currentOrigin();
  /** Lead over the machine's clock, so that the time of a resumed run never goes backwards. */
  #aheadMs = 0;
  /** The result of the last call of `now`. */
  lastTime = 0;
  /** The turn began then, or earlier and less than half of its time before. */
  #turnBegan = Number.NEGATIVE_INFINITY;
  /** Ends the turn; undefined while nobody has asked for its end. */
  #turnEnd: Later | undefined;
  #isStopped = false;
  readonly #endTurn = () => {
    this.#turnEnd = undefined;
  };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** When the timer of the run goes off; Infinity without one. */
  get wakesAt(): number {
    return this.#timerAt;
  }

  /** Unix time in milliseconds. */
  now(): number {
    this.lastTime = this.#origin + this.#machine.now() + this.#aheadMs;
    return this.lastTime;
  }

  /** Moves the clock forward if it is behind this time. */
  notBefore(at: number): void {
    this.#aheadMs = Math.max(0, at - this.#machineTime());
  }

  /** Whether the run may have occupied the event loop for half of its turn, when the time was last read. */
  get isTurnLong(): boolean {
    return this.lastTime - this.#turnBegan > TURN_MS / 2;
  }

  /**
   * Whether the run should yield the event loop, asked after half of its turn. To learn when a turn of the
   * event loop ends costs as much as a task. So the run asks for it only when half of the time has passed;
   * the other half counts from then on.
   */
  isTurnOver(now: number): boolean {
    // Nothing of a run that is over takes long.
    if (this.#isStopped) return false;
    if (this.#turnEnd !== undefined) return true;
    this.#turnBegan = now;
    this.#turnEnd = (globalThis.setImmediate ?? setTimeout)(this.#endTurn);
    return false;
  }

  /** Calls back in a later turn of the event loop, after other pending work. */
  afterOtherWork(work: () => void): void {
    // Browsers have no `setImmediate`.
    (globalThis.setImmediate ?? setTimeout)(work);
  }

  /** Sets the only timer of the run; Infinity clears it. */
  wakeAt(at: number): void {
    if (at === this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    const delay = Math.min(Math.max(0, Math.ceil(at - this.now())), MAX_TIMER_MS);
    this.#timer = setTimeout(() => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.#wake();
    }, delay);
  }

  stop(): void {
    clearTimeout(this.#timer);
    if (this.#turnEnd !== undefined) cancelLater(this.#turnEnd);
    this.#isStopped = true;
  }

  /** Unix time in milliseconds that never goes backwards. */
  #machineTime(): number {
    return this.#origin + this.#machine.now();
  }
}

type Later = ReturnType<typeof setImmediate> | ReturnType<typeof setTimeout>;

function cancelLater(pending: Later): void {
  if (typeof clearImmediate === 'function') clearImmediate(pending as NodeJS.Immediate);
  else clearTimeout(pending as NodeJS.Timeout);
}
