import { logSurvival } from './normal.js';
import type { Request } from './request.js';

/** A server that has become slower answers at this share of the rate, and one that has become faster at this one. */
const SLOWER = 0.5;
const FASTER = 3;
/**
 * Requests are late when they take longer than predicted by this factor, as a logarithm. Without it, the worst of a
 * sample of workflows takes 1.23 times as long as with `parallel()`, and 1.18 times with it.
 */
const LATE = Math.log(1.2);
/** The most answers that one request counts for, however late: it may just be a long one. */
const MAX_EXPECTED = 3;
/** The number of requests to look at: this many times as many as are in flight. */
const MOST_ROUNDS = 2;

/** How much longer something takes than a hypothesis predicts, as a logarithm, and the deviation of such logarithms. */
export interface Lateness {
  readonly late: number;
  readonly deviation: number;
}

type LatenessOf = (request: Request) => Lateness | undefined;

/** The log odds of a change by one request, by hypothesis. */
interface Evidence {
  readonly slower: Float64Array;
  readonly faster: Float64Array;
}

/**
 * Tells whether a server has become slower or faster, by Page's test (CUSUM). A hypothesis predicts how many answers
 * come in the time that a request takes: the cumulative hazard. Its mean is 1 while nothing changes. On a slower
 * server answers are missing, on a faster one they are early.
 */
export class ChangeDetector {
  readonly #hypotheses: number;
  /**
   * The evidence of each request, undefined while it is in flight, in the order of their start. If those that are
   * answered soon counted before the others, they would hide a change or suggest one.
   */
  readonly #requests = new Map<Request, Evidence | undefined>();
  /** The log odds of a faster server by text, by hypothesis. */
  readonly #text: Float64Array;

  /** @param hypotheses The number of hypotheses. */
  constructor(hypotheses: number) {
    this.#hypotheses = hypotheses;
    this.#text = new Float64Array(hypotheses);
  }

  recordStart(request: Request): void {
    this.#requests.set(request, undefined);
  }

  discard(request: Request): void {
    this.#requests.delete(request);
  }

  /** @param lateOf By hypothesis. */
  recordAnswer(request: Request, inFlight: number, lateOf: (h: number) => Lateness): void {
    if (!this.#requests.has(request)) return;
    const slower = new Float64Array(this.#hypotheses);
    const faster = new Float64Array(this.#hypotheses);
    for (let h = 0; h < slower.length; h++) {
      const late = lateOf(h);
      slower[h] = Math.log(SLOWER) + slowerOdds(late);
      faster[h] = Math.log(FASTER) + fasterOdds(late);
    }
    this.#requests.set(request, { slower, faster });
    for (const first of this.#requests.keys()) {
      if (this.#requests.size <= MOST_ROUNDS * inFlight) break;
      this.#requests.delete(first);
    }
  }

  /** Records a segment of text. */
  recordText(lateOf: (h: number) => Lateness): void {
    for (let h = 0; h < this.#hypotheses; h++) {
      const logOdds = (this.#text[h] as number) + Math.log(FASTER) + fasterOdds(lateOf(h));
      this.#text[h] = Math.max(0, logOdds);
    }
  }

  /**
   * The log odds that the server has become slower.
   *
   * @param lateOf For a request in flight; undefined if nothing is known about it.
   */
  slowerLogOdds(h: number, lateOf: LatenessOf): number {
    return this.#logOdds(
      (evidence) => evidence.slower[h] as number,
      (request) => slowerOdds(lateOf(request)),
    );
  }

  /** The log odds that the server has become faster. */
  fasterLogOdds(h: number, lateOf: LatenessOf): number {
    const logOdds = this.#logOdds(
      (evidence) => evidence.faster[h] as number,
      (request) => fasterOdds(lateOf(request)),
    );
    return logOdds + (this.#text[h] as number);
  }

  reset(): void {
    this.#requests.clear();
    this.#text.fill(0);
  }

  /** The most that any number of the latest requests is evidence of. */
  #logOdds(of: (evidence: Evidence) => number, ofOpen: (request: Request) => number): number {
    let logOdds = 0;
    for (const [request, evidence] of this.#requests) {
      logOdds = Math.max(0, logOdds + (evidence === undefined ? ofOpen(request) : of(evidence)));
    }
    return logOdds;
  }
}

/** The log odds of a slower server, apart from those of an answer. */
function slowerOdds(lateness: Lateness | undefined): number {
  if (lateness === undefined) return 0;
  return (1 - SLOWER) * expectedAnswers((lateness.late - LATE) / lateness.deviation);
}

/** The same of a faster server. */
function fasterOdds(lateness: Lateness | undefined): number {
  if (lateness === undefined) return 0;
  return (1 - FASTER) * expectedAnswers(lateness.late / lateness.deviation);
}

/** The cumulative hazard of a standard normal variable. */
function expectedAnswers(late: number): number {
  return Math.min(MAX_EXPECTED, -logSurvival(late));
}
