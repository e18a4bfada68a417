/** Switches a mechanism off, and returns a function that switches it on again. */
export type Switch = () => () => void;

type Method = (this: never, ...args: never[]) => unknown;

/** A method of a class in a file of the built package, and what replaces it. */
interface Replacement {
  readonly method: readonly [file: string, className: string, name: string];
  readonly by: (original: Method) => Method;
}

const doNothing = () => () => undefined;
const returnTrue = () => () => true;
const returnFalse = () => () => false;

/**
 * The mechanisms of `adaptive` that are switched off by replacing a method. The product itself has no switches, and
 * the package does not export these classes: they are for this benchmark alone.
 */
const REPLACEMENTS: Readonly<Record<string, Replacement>> = {
  /** Only tasks of one type and level are compared. */
  kinds: {
    method: ['scheduler/limit-search', 'LimitSearch', 'recordStart'],
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
  timeouts: {
    method: ['scheduler/limit-search', 'LimitSearch', 'lowerAfterTimeouts'],
    by: doNothing,
  },
  /** Server errors lower the limit. */
  serverErrors: {
    method: ['scheduler/controller', 'Controller', 'recordOutcome'],
    by: (original) =>
      function (this: object, task: object, outcome: { errorCode?: string }, ...rest: unknown[]) {
        const isServerError = outcome.errorCode === 'server_error';
        const other = isServerError ? { ...outcome, errorCode: 'unknown' } : outcome;
        return Reflect.apply(original, this, [task, other, ...rest]);
      },
  },
  /** The ceiling rises when no request is refused. */
  risingCeiling: { method: ['limits/ceiling', 'Ceiling', 'recordAnswer'], by: doNothing },
  /** The starts that a raise allows are spread over time. */
  slowStart: { method: ['limits/slow-start', 'SlowStart', 'begin'], by: doNothing },
  /** Limits that a server announces. */
  announcedLimits: {
    method: ['limits/announced-limits', 'AnnouncedLimits', 'recordOutcome'],
    by: (original) =>
      function (this: object, request: object, outcome: object, now: number) {
        const unannounced = { ...outcome, rateLimits: undefined };
        return Reflect.apply(original, this, [request, unannounced, now]);
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
  const { MECHANISMS } = await importFile('mechanisms');
  for (const name of Object.keys(MECHANISMS)) {
    switches[name] = () => {
      MECHANISMS[name] = false;
      return () => {
        MECHANISMS[name] = true;
      };
    };
  }
  for (const [name, { method, by }] of Object.entries(REPLACEMENTS)) {
    const [file, className, key] = method;
    const prototype = (await importFile(file))[className]?.prototype;
    const original = prototype?.[key];
    if (typeof original !== 'function') {
      throw new Error(`${name}: adaptive has no method ${className}.${key} in ${file}`);
    }
    switches[name] = () => {
      prototype[key] = by(original);
      return () => {
        prototype[key] = original;
      };
    };
  }
  return switches;
}
