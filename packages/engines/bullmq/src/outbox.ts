import type { Json } from '@stratagem/core/journal';

/** How many reports, and characters of them, may be on their way before an attempt has to wait. */
const MAX_REPORTS = 256;
const MAX_CHARACTERS = 2 ** 18;
/** A longer end is not sent: the coordinator reads it from the queue. */
const MAX_END = 2 ** 16;
/** After this time without an answer, nobody listens: then streamed output is dropped. */
const ORPHAN_MS = 30_000;
/** Reports are sent again after this time without an answer, then after twice of it. */
const RESEND_MS = 1_000;
const MAX_RESEND_MS = 8_000;

/** Sends a report; `text` is the report as JSON, or undefined for an end that is too long. */
export type SendReport = (to: string, session: string, n: number, text: string | undefined) => void;

interface Entry {
  readonly n: number;
  readonly text: string | undefined;
  readonly isOutput: boolean;
}

/**
 * The reports about one try of an attempt, until they have arrived: numbered, sent in order, and sent again
 * when no answer comes. Reports for another coordinator begin a new session, from number 1: it first gets
 * what its run must know, and then what has not arrived.
 */
export class Outbox {
  readonly #name: string;
  readonly #send: SendReport;
  #to: string;
  #sessions = 0;
  #n = 0;
  #entries: Entry[] = [];
  #characters = 0;
  /** Reports that every coordinator needs: the begin, added tasks, calls that wait for approval. */
  readonly #kept = new Map<string, string>();
  #end: { readonly text: string | undefined } | undefined;
  #dropped = 0;
  #isOrphan = false;
  #waiting: (() => void)[] = [];
  #pressure: Promise<void> | undefined;
  /** When something last arrived, or was sent with nothing else on its way. */
  #answeredAt: number;
  #resendAt = 0;
  #resendMs = RESEND_MS;
  #endedAt: number | undefined;

  /** @param name Names this try, unlike all others. @param to The channel of the coordinator. */
  constructor(name: string, to: string, now: number, send: SendReport) {
    this.#name = name;
    this.#to = to;
    this.#send = send;
    this.#answeredAt = now;
  }

  get to(): string {
    return this.#to;
  }

  /** Whether its end has arrived, or was sent so long ago that the queue alone has to keep it. */
  isDone(now: number): boolean {
    if (this.#endedAt === undefined) return false;
    return this.#entries.length === 0 || now - this.#endedAt > ORPHAN_MS;
  }

  /** Adds a report. The promise, if any, asks to wait before adding more. */
  add(report: Json, now: number): Promise<void> | undefined {
    const { type, request } = report as { readonly type: string; readonly request?: unknown };
    const text = JSON.stringify(report);
    if (type === 'begun') this.#kept.set('begun', text);
    else if (type === 'add_tasks') this.#kept.set(`tasks ${this.#kept.size}`, text);
    else if (type === 'approval') {
      this.#kept.set(`call ${(request as { readonly key: string }).key}`, text);
    }
    const isOutput = type === 'output';
    if (isOutput && this.#isOrphan) {
      this.#dropped++;
      return undefined;
    }
    this.#append(text, isOutput, now);
    return isOutput ? this.#wait() : undefined;
  }

  /** The attempt has ended, and the queue has its result. */
  end(text: string, now: number): void {
    this.#end = { text: text.length > MAX_END ? undefined : text };
    this.#endedAt = now;
    this.#append(this.#end.text, false, now);
    this.#release();
  }

  /** A call was decided: no other coordinator needs it. */
  decided(callKey: string): void {
    this.#kept.delete(`call ${callKey}`);
  }

  /** Everything up to `n` has arrived. */
  ack(session: string, n: number, now: number): void {
    if (session !== this.#session) return;
    if (this.#isOrphan) {
      // What was dropped is missing in this session.
      this.#begin(this.#to, now);
      return;
    }
    let count = 0;
    while (count < this.#entries.length && (this.#entries[count] as Entry).n <= n) {
      this.#characters -= lengthOf(this.#entries[count++] as Entry);
    }
    if (count === 0) return;
    this.#entries.splice(0, count);
    this.#answered(now);
    if (this.#entries.length < MAX_REPORTS / 2 && this.#characters < MAX_CHARACTERS / 2) {
      this.#release();
    }
  }

  /** A coordinator wants the reports, from those on that it does not have. */
  attach(to: string, session: string | undefined, n: number, now: number): void {
    if (to === this.#to && session === this.#session && !this.#isOrphan) {
      this.ack(session, n, now);
      this.#answered(now);
      this.#sendAll();
      return;
    }
    const isAgain = to === this.#to && session === undefined && !this.#isOrphan;
    this.#answered(now);
    if (isAgain && this.#entries[0]?.n === 1) this.#sendAll();
    else this.#begin(to, now);
  }

  /** Sends again what has not arrived in time. */
  tick(now: number): void {
    if (this.#entries.length === 0) return;
    if (!this.#isOrphan && now - this.#answeredAt > ORPHAN_MS) this.#drop();
    if (now < this.#resendAt) return;
    this.#resendMs = Math.min(2 * this.#resendMs, MAX_RESEND_MS);
    this.#resendAt = now + this.#resendMs;
    this.#sendAll();
  }

  get #session(): string {
    return `${this.#name}.${this.#sessions}`;
  }

  /** Begins the session of another coordinator. */
  #begin(to: string, now: number): void {
    const outputs = this.#entries.filter(({ isOutput }) => isOutput);
    this.#to = to;
    this.#sessions++;
    this.#n = 0;
    this.#entries = [];
    this.#characters = 0;
    this.#isOrphan = false;
    for (const text of this.#kept.values()) this.#append(text, false, now);
    if (this.#dropped > 0) this.#append(noticeOf(this.#dropped), true, now);
    this.#dropped = 0;
    for (const { text } of outputs) this.#append(text, true, now);
    if (this.#end !== undefined) this.#append(this.#end.text, false, now);
  }

  #append(text: string | undefined, isOutput: boolean, now: number): void {
    if (this.#entries.length === 0) this.#answered(now);
    const entry = { n: ++this.#n, text, isOutput };
    this.#entries.push(entry);
    this.#characters += lengthOf(entry);
    this.#send(this.#to, this.#session, entry.n, text);
  }

  #answered(now: number): void {
    this.#answeredAt = now;
    this.#resendMs = RESEND_MS;
    this.#resendAt = now + RESEND_MS;
  }

  #sendAll(): void {
    for (const { n, text } of this.#entries) this.#send(this.#to, this.#session, n, text);
  }

  /** Nobody listens: the attempt need not wait, and its text is not kept. */
  #drop(): void {
    this.#isOrphan = true;
    const left = this.#entries.filter(({ isOutput }) => !isOutput);
    this.#dropped += this.#entries.length - left.length;
    this.#entries = left;
    this.#characters = left.reduce((sum, entry) => sum + lengthOf(entry), 0);
    this.#release();
  }

  #wait(): Promise<void> | undefined {
    const isFull = this.#entries.length >= MAX_REPORTS || this.#characters >= MAX_CHARACTERS;
    if (!isFull) return undefined;
    this.#pressure ??= new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
    return this.#pressure;
  }

  #release(): void {
    this.#pressure = undefined;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function lengthOf({ text }: Entry): number {
  return text?.length ?? 0;
}

function noticeOf(count: number): string {
  const message = `${count} parts of the output were dropped, because no coordinator listened for ${ORPHAN_MS / 1_000} s`;
  return JSON.stringify({ type: 'output', part: { kind: 'notice', source: 'bullmq', message } });
}
