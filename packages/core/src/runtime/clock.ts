/** How long the run may keep the event loop to itself before timers and signals get a turn. */
const TURN_MS = 50;
/** The longest delay a timer takes; past it we wake up early and wait again. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The time of a run, its turns of the event loop, and the timer that wakes it. */
export class RunClock {
  readonly #wake: () => void;
  // Read once: it is a getter in Node, and so is its origin, which took as long as the time itself.
  readonly #machine = performance;
  /** What the machine counts from, as Unix time in milliseconds. */
  readonly #origin = this.#machine.timeOrigin;
  /** How far it is ahead of this machine's: the time of a resumed run never goes backwards. */
  #aheadMs = 0;
  /** The time when it was last asked for. */
  lastTime = 0;
  #turnBegan = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** Unix time in milliseconds. */
  now(): number {
    this.lastTime = this.#machineTime() + this.#aheadMs;
    return this.lastTime;
  }

  /** From now on, the time is not before this. */
  notBefore(at: number): void {
    this.#aheadMs = Math.max(0, at - this.#machineTime());
  }

  beginTurn(): void {
    this.#turnBegan = this.now();
  }

  /** Whether others are to have the event loop now. */
  isTurnOver(time: number): boolean {
    return time - this.#turnBegan > TURN_MS;
  }

  /** Goes on in another turn, after those who wait for theirs. */
  afterOtherWork(goOn: () => void): void {
    const resume = () => {
      this.beginTurn();
      goOn();
    };
    if (typeof setImmediate === 'function') setImmediate(resume);
    else setTimeout(resume, 0);
  }

  /** Wakes the run at that time, and at no other; never for Infinity. */
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
  }

  /** Unix time in milliseconds that never goes backwards. */
  #machineTime(): number {
    return this.#origin + this.#machine.now();
  }
}
