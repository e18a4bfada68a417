/** Switches a mechanism off, and returns a function that switches it on again. */
export type Switch = () => () => void;

type Method = (this: never, ...args: never[]) => unknown;

/** A method or a getter of a class in a file of the built package, and what replaces it. */
interface Replacement {
  readonly method: readonly [file: string, className: string, name: string];
  readonly by: (original: Method) => Method;
}

const doNothing = () => () => undefined;
const returnTrue = () => () => true;
const returnFalse = () => () => false;

/** Errors of this kind count as any others. */
function withoutErrors(code: string): Replacement {
  return {
    method: ['scheduler/controller', 'Controller', 'recordOutcome'],
    by: (original) =>
      function (
        this: object,
        request: object,
        outcome: { errorCode?: string },
        ...rest: unknown[]
      ) {
        const errorCode = outcome.errorCode === code ? 'unknown' : outcome.errorCode;
        return Reflect.apply(original, this, [request, { ...outcome, errorCode }, ...rest]);
      },
  };
}

/**
 * The mechanisms of `adaptive` that are switched off by replacing a method. The product itself has no switches, and
 * the package does not export these classes: they are for this benchmark alone.
 */
const REPLACEMENTS: Readonly<Record<string, Replacement>> = {
  /** A raise must not exceed 1.75 times a limit that is known to be harmless. */
  cautiousRaises: {
    method: ['scheduler/limit-search', 'LimitSearch', 'harmless'],
    by: () => () => Number.POSITIVE_INFINITY,
  },
  /** Probes at a higher limit, which notice that the server has become faster. */
  probesAbove: {
    method: ['estimate/posterior', 'Posterior', 'likeliestKnee'],
    by: () => () => Number.POSITIVE_INFINITY,
  },
  /** Another raise before the number in flight has adjusted to the last one. */
  earlyRaises: {
    method: ['decide/observation-window', 'ObservationWindow', 'sinceChange'],
    by: () => () => 0,
  },
  /** Missing answers show that the server has become slower. */
  missingAnswers: {
    method: ['estimate/posterior', 'Posterior', 'slowdownLogOdds'],
    by: () => () => 0,
  },
  /** Segments of text are evidence about the knee. */
  textSegments: { method: ['estimate/posterior', 'Posterior', 'recordText'], by: returnFalse },
  /** Output tokens explain a part of the durations. */
  tokenCounts: {
    method: ['estimate/posterior', 'Posterior', 'recordAnswer'],
    by: (original) =>
      function (this: object, request: object, memory: number) {
        return Reflect.apply(original, this, [request, memory, undefined]);
      },
  },
  /** Requests in flight are censored observations. */
  requestsInFlight: {
    method: ['estimate/pooled-regression', 'PooledRegression', 'fit'],
    by: (original) =>
      function (this: object) {
        return Reflect.apply(original, this, [[]]);
      },
  },
  /** Moments of answers count less where the tasks of a kind differ much. */
  jacobianShare: {
    method: ['estimate/pooled-regression', 'PooledRegression', 'jacobianShare'],
    by: () => () => 1,
  },
  /** Only tasks of one type and level are compared. */
  kinds: {
    method: ['estimate/posterior', 'Posterior', 'recordStart'],
    by: (original) =>
      function (this: object, request: { kind: string }) {
        request.kind = 'any';
        return Reflect.apply(original, this, [request]);
      },
  },
  /** A request no longer counts once one that started much later was answered. */
  lostRequests: {
    method: ['estimate/durations', 'Durations', 'unusualMs'],
    by: () => () => Number.POSITIVE_INFINITY,
  },
  /** A timeout at a concurrency that was answered before is no sign of overload. */
  provenConcurrency: {
    method: ['limits/lost-requests', 'LostRequests', 'isUnproven'],
    by: returnTrue,
  },
  /** Single timeouts and server errors are no sign of overload. */
  errorBursts: {
    method: ['limits/error-bursts', 'ErrorBursts', 'recordError'],
    by: () => (inFlight: number) => inFlight,
  },
  /** Timeouts lower the limit. */
  timeouts: withoutErrors('timeout'),
  /** Server errors lower the limit. */
  serverErrors: withoutErrors('server_error'),
  /** The ceiling rises when no request is refused. */
  risingCeiling: { method: ['limits/ceiling', 'Ceiling', 'recordAnswer'], by: doNothing },
  /** The starts that a raise allows are spread over time. */
  slowStart: { method: ['limits/slow-start', 'SlowStart', 'recordLimit'], by: doNothing },
  /** Limits that a server announces. */
  announcedLimits: {
    method: ['limits/announced-limits', 'AnnouncedLimits', 'recordOutcome'],
    by: (original) =>
      function (this: object, taken: object, outcome: object, now: number) {
        const unannounced = { ...outcome, rateLimits: undefined };
        return Reflect.apply(original, this, [taken, unannounced, now]);
      },
  },
  /** Rates are inferred from refusals. */
  ratePacer: { method: ['limits/rate-pacer', 'RatePacer', 'recordRefusal'], by: doNothing },
  /** The longest path is by learned durations. */
  learnedOrder: { method: ['scheduler/priority', 'PriorityOrder', 'refresh'], by: returnFalse },
};

/**
 * The switches of the mechanisms of `adaptive`, by name.
 *
 * @throws {Error} when the package no longer has a method that is to be replaced.
 */
export async function mechanisms(): Promise<Readonly<Record<string, Switch>>> {
  const entry = import.meta.resolve('@stratagem/adaptive');
  const importFile = (file: string) => import(new URL(`./${file}.js`, entry).href);
  const switches: Record<string, Switch> = {};
  for (const [name, { method, by }] of Object.entries(REPLACEMENTS)) {
    const [file, className, key] = method;
    const prototype = (await importFile(file))[className]?.prototype;
    const original = prototype && Object.getOwnPropertyDescriptor(prototype, key);
    const kind = original?.get === undefined ? 'value' : 'get';
    if (typeof original?.[kind] !== 'function') {
      throw new Error(`${name}: adaptive has no method ${className}.${key} in ${file}`);
    }
    switches[name] = () => {
      Object.defineProperty(prototype, key, { ...original, [kind]: by(original[kind]) });
      return () => {
        Object.defineProperty(prototype, key, original);
      };
    };
  }
  return switches;
}
