import type { SharedLimits } from '@stratagem/core/journal';
import { describe } from '@stratagem/core/runner';
import { add, QUANTITIES, type Quantities, type Quantity, subtract, ZERO } from './quantities.js';

const MINUTE_MS = 60_000;
/** A block is what the limits permit in this time, and at least one request. */
const BLOCK_MS = 250;
/** A block has at most this many requests, where no limit bounds it. */
const MAX_BLOCK = 256;
/** A ticket that was not used for this long is void: it must not be used much later. */
const VALID_MS = 500;
/** Corrections of estimates are sent with the next reservation, or after this time. */
const CORRECT_MS = 250;
/** How long after a failure the shared limits are asked again. */
const RETRY_MS = 1_000;
/** Without this tolerance, a rounding error would cost another timer. */
const ROUNDING_MS = 1e-6;

/** The limits per minute that are in force. Infinity where there is none. */
export type Rates = Quantities;

interface Ticket {
  /** By `performance.now()`. */
  readonly readyAt: number;
  readonly amounts: Quantities;
}

export interface SharedBudgetOptions {
  readonly shared: SharedLimits;
  readonly resource: string;
  readonly burstMs: number;
  /** Called when requests may have become possible, or have to wait longer. */
  readonly onChange: () => void;
  /** Called with a pause of the resource, in milliseconds. */
  readonly onPause: (durationMs: number) => void;
}

/**
 * The part of shared limits that this process has reserved: a ticket for each of the next requests, with
 * the time at which it may be sent. Tickets come in blocks, one reservation for many requests.
 */
export class SharedBudget {
  readonly #options: SharedBudgetOptions;
  #tickets: Ticket[] = [];
  /** The number of tickets that the last reservation brought. */
  #block = 0;
  #isAsking = false;
  /** Why the last reservation failed. */
  #failure: string | undefined;
  /** Whether it failed a moment ago. */
  #isResting = false;
  /** What was used beyond the reservations; negative for what was not used. */
  #owed = ZERO;
  #rates: Rates = ZERO;
  #correction: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SharedBudgetOptions) {
    this.#options = options;
    const { shared, resource, onPause } = options;
    shared.onPause((paused, durationMs) => {
      if (paused === resource) onPause(durationMs);
    });
  }

  /** How long until the first waiting request has a ticket that is ready; Infinity when it has none. */
  waitMs(now: number): number {
    this.#dropStale(now);
    const [first] = this.#tickets;
    if (first === undefined) return Number.POSITIVE_INFINITY;
    return first.readyAt > now + ROUNDING_MS ? first.readyAt - now : 0;
  }

  /** The minimum time until a waiting request with this position in the queue can be sent. */
  leastWaitMs(position: number, now: number): number {
    const ticket = this.#tickets[position] ?? this.#tickets.at(-1);
    return ticket === undefined ? 0 : Math.max(0, ticket.readyAt - now);
  }

  /** Completes the sentence "waited for …". */
  get reason(): string {
    if (this.#failure === undefined) return 'the limits that other processes share';
    return `the shared limits, which cannot be reached (${this.#failure})`;
  }

  /** Uses the first ticket for a request. */
  use(amounts: Quantities): void {
    const ticket = this.#tickets.shift();
    if (ticket !== undefined) this.correct(subtract(amounts, ticket.amounts));
  }

  /** Adds what was used beyond a reservation. A negative amount is given back. */
  correct(amounts: Quantities): void {
    if (QUANTITIES.every((quantity) => amounts[quantity] === 0)) return;
    this.#owed = add(this.#owed, amounts);
    if (this.#correction !== undefined) return;
    this.#correction = setTimeout(() => {
      this.#correction = undefined;
      void this.#reserve([]);
    }, CORRECT_MS);
    // It is sent with the next reservation as well.
    (this.#correction as { unref?: () => void }).unref?.();
  }

  /**
   * Reserves the next block, unless there are enough tickets.
   *
   * @param waiting The amounts of the waiting requests. Their order does not matter: when another request
   * uses a ticket, the difference is corrected.
   * @param places How many of them can be sent without waiting for the end of another one.
   */
  ask(waiting: Iterable<Quantities>, places: number, rates: Rates): void {
    this.#rates = rates;
    if (this.#isAsking || this.#isResting) return;
    const held = this.#tickets.length;
    if (held > this.#block / 2 || held >= places) return;
    const block: Quantities[] = [];
    let costMs = 0;
    let position = 0;
    for (const amounts of waiting) {
      if (position++ < held) continue;
      costMs += Math.max(...QUANTITIES.map((name) => costOf(amounts[name], rates[name])));
      if (block.length > 0 && costMs > BLOCK_MS) break;
      block.push(amounts);
      if (block.length >= MAX_BLOCK || held + block.length >= places) break;
    }
    if (block.length > 0) void this.#reserve(block);
  }

  /**
   * Gives back the tokens of the tickets, because no request waits for them. The tickets themselves are
   * kept for the next requests: others have reserved the times after them, so given back, they would be
   * used in addition to those.
   */
  rest(): void {
    this.#tickets = this.#tickets.map(({ readyAt, amounts }) => {
      const tokens = { ...amounts, requests: 0 };
      this.correct(subtract(ZERO, tokens));
      return { readyAt, amounts: subtract(amounts, tokens) };
    });
  }

  /** Keeps everybody from using the resource. */
  pause(durationMs: number): void {
    const { shared, resource } = this.#options;
    // A failure is noticed, and shown, at the next reservation.
    shared.pause(resource, durationMs).catch(() => {});
  }

  async #reserve(block: readonly Quantities[]): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const { shared, resource, burstMs, onPause, onChange } = this.#options;
    const rates = this.#rates;
    const owed = this.#owed;
    this.#owed = ZERO;
    clearTimeout(this.#correction);
    this.#correction = undefined;
    const total = block.reduce(add, owed);
    const names = QUANTITIES.filter((name) => Number.isFinite(rates[name]) && rates[name] > 0);
    const amounts = names.map((quantity) => ({
      quantity,
      amount: total[quantity],
      perMinute: rates[quantity],
    }));
    try {
      const { aheadMs, pausedMs } = await shared.reserve(resource, amounts);
      const now = performance.now();
      const ahead = new Map(names.map((name, index) => [name, aheadMs[index] as number]));
      this.#failure = undefined;
      this.#addTickets(block, owed, ahead, rates, now - burstMs);
      if (pausedMs > 0) onPause(pausedMs);
    } catch (error) {
      this.#owed = add(this.#owed, owed);
      this.#failure = describe(error);
      this.#retryLater();
    } finally {
      this.#isAsking = false;
    }
    onChange();
  }

  #addTickets(
    block: readonly Quantities[],
    owed: Quantities,
    ahead: ReadonlyMap<Quantity, number>,
    rates: Rates,
    start: number,
  ): void {
    let before = owed;
    for (const amounts of block) {
      let waitMs = 0;
      for (const [name, aheadMs] of ahead) {
        waitMs = Math.max(waitMs, aheadMs + costOf(before[name], rates[name]));
      }
      this.#tickets.push({ readyAt: start + waitMs, amounts });
      before = add(before, amounts);
    }
    if (block.length > 0) this.#block = block.length;
  }

  #retryLater(): void {
    this.#isResting = true;
    setTimeout(() => {
      this.#isResting = false;
      this.#options.onChange();
    }, RETRY_MS);
  }

  #dropStale(now: number): void {
    const isStale = ({ readyAt }: Ticket) => now - readyAt > VALID_MS + this.#options.burstMs;
    const first = this.#tickets.findIndex((ticket) => !isStale(ticket));
    const count = first < 0 ? this.#tickets.length : first;
    for (const { amounts } of this.#tickets.splice(0, count)) {
      this.correct({ ...subtract(ZERO, amounts), requests: 0 });
    }
  }
}

/** How long a limit takes to work off an amount, in milliseconds. */
function costOf(amount: number, perMinute: number): number {
  return Number.isFinite(perMinute) && perMinute > 0 ? (amount / perMinute) * MINUTE_MS : 0;
}
