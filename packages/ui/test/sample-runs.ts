import { type RunEvent, RunnerError, type Task } from '@stratagem/core';
import { type SimulatedAttempt, simulate } from '@stratagem/core/simulate';
import { parallel } from '@stratagem/parallel';

/** A number from 0 to 1 that depends on a text alone. */
function chance(text: string): number {
  let hash = 2_166_136_261;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 16_777_619);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 2_246_822_507);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

const REGIONS = ['dach', 'france', 'iberia', 'italy', 'benelux', 'nordics', 'apac', 'americas'];
const MAKERS = ['Aalto', 'Kessel', 'Bergson', 'Castell', 'Dorn', 'Eriksen', 'Fabbri', 'Gallo'];
const MODEL = 'sim-large';

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

function task(id: string, description: string, dependencies: readonly string[] = []): Task {
  return { id, description, dependencies };
}

function diligenceTasks(): Task[] {
  const sources = ['registry', 'filings', 'news', 'reviews'];
  return [
    task('brief', 'Turn the request into a research brief'),
    ...sources.map((id) => task(id, `Collect sources: ${id}`, ['brief'])),
    { ...task('suppliers', 'List the suppliers that match the brief', sources), type: 'aggregate' },
    {
      ...task('profile', 'Profile {{item}} from its filings', ['suppliers']),
      forEach: { items: 'suppliers.makers', minSuccess: '90%' },
    },
    { ...task('screen', 'Score the profiles against the brief', ['profile']), type: 'decision' },
    {
      ...task('verify', 'Verify this claim against its source: {{item}}', ['screen']),
      forEach: 'screen.claims',
    },
    ...REGIONS.flatMap((region) => [
      task(`${region}-collect`, `Collect figures for ${region}`, ['screen']),
      task(`${region}-energy`, `Energy prices and hedges in ${region}`, [`${region}-collect`]),
      task(`${region}-labour`, `Labour market in ${region}`, [`${region}-collect`]),
      task(`${region}-analyse`, `Analyse ${region}`, [`${region}-energy`, `${region}-labour`]),
      task(`${region}-review`, `Review the analysis of ${region}`, [`${region}-analyse`]),
      task(`${region}-annex`, `Write the annex for ${region}`, [`${region}-review`]),
    ]),
    ...['costs', 'risks', 'terms', 'dates'].flatMap((topic) => [
      task(`table-${topic}`, `Tabulate ${topic}`, ['screen']),
      task(`chart-${topic}`, `Draw ${topic}`, [`table-${topic}`]),
    ]),
    { ...task('cross-check', 'Cross-check the claims', ['verify']), type: 'observation' },
    {
      ...task('approve', 'Send questions to the 7 shortlisted suppliers? Costs about €2,100.', [
        'cross-check',
      ]),
      waitFor: 'approval',
    },
    ...range(9).map((n) => task(`section-${n}`, `Write section ${n}`, ['approve'])),
    ...range(9).map((n) => task(`edit-${n}`, `Edit section ${n}`, [`section-${n}`])),
    task(
      'merge',
      'Merge the sections',
      range(9).map((n) => `edit-${n}`),
    ),
    ...range(8).map((n) => task(`translate-${n}`, `Translate part ${n}`, ['merge'])),
    ...range(8).map((n) => task(`proof-${n}`, `Proofread part ${n}`, [`translate-${n}`])),
    task('publish', 'Publish the report', [
      ...range(8).map((n) => `proof-${n}`),
      ...['costs', 'risks', 'terms', 'dates'].map((topic) => `chart-${topic}`),
    ]),
  ];
}

/** How long an attempt takes, in milliseconds. */
function lengthOf(id: string, attempt: number, seed: number): number {
  const [least, most] = LENGTHS.find(([pattern]) => pattern.test(id))?.[1] ?? [1_000, 4_000];
  return least + (most - least) * chance(`${id} ${attempt} ${seed}`);
}

const LENGTHS: readonly (readonly [RegExp, readonly [number, number]])[] = [
  [/^brief$/, [4_200, 4_400]],
  [/^(registry|reviews)$/, [2_200, 3_400]],
  [/^(filings|news)$/, [5_200, 5_500]],
  [/^(suppliers|screen|cross-check)$/, [1_500, 2_100]],
  [/^profile/, [800, 5_000]],
  [/^verify/, [900, 6_200]],
  [/-(collect|energy|labour)$/, [1_200, 3_800]],
  [/^(section|edit)-/, [1_500, 6_200]],
];

const CONTEXT = 'context length exceeded: 138,212 tokens, the model takes 128,000';
const FILTER = 'the model refused: the request was flagged by its content filter';
const RATE = 'the simulated model takes requests up to 150 a minute';

function attemptAt(
  { id, description = '' }: Task,
  attempt: number,
  seed: number,
): SimulatedAttempt {
  const durationMs = lengthOf(id, attempt, seed);
  // The third time, the server does not want to be asked again.
  const limit = attempt < 3 ? { retryAfterMs: 3_200 } : { isRetryable: false };
  const fail = (code: ConstructorParameters<typeof RunnerError>[0], text: string, after = 4) => ({
    durationMs: after,
    error: new RunnerError(code, text, code === 'rate_limited' ? limit : {}),
  });
  if (/^profile\[(7|23)\]$/.test(id)) return fail('context_length_exceeded', CONTEXT);
  if (id === 'apac-analyse') return fail('refused', FILTER, 900);
  if (attempt === 1 && ['italy-labour', 'chart-risks'].includes(id)) {
    return fail('connection', 'the connection was closed by the server', durationMs);
  }
  if (id === 'edit-2') return fail('rate_limited', RATE, 2);
  if (attempt === 1 && /^(section-(2|6|8)|edit-(3|7))$/.test(id))
    return fail('rate_limited', RATE, 2);
  const outputTokens = Math.round(12 + durationMs / 90);
  const inputTokens = 20 + description.length;
  return {
    durationMs,
    output: outputOf(id),
    usage: { inputTokens, outputTokens },
    model: MODEL,
    ...(id === 'news' && { parts: toolParts() }),
  };
}

function toolParts(): NonNullable<SimulatedAttempt['parts']> {
  const output = {
    hits: [{ title: 'EHPA market report', url: 'https://www.ehpa.example/market' }],
  };
  const input = { query: 'cast parts Europe 2026' };
  const call = { callId: 'call-1', tool: 'search' };
  return [
    { afterMs: 300, part: { kind: 'text', text: 'Looking for recent news… ' } },
    { afterMs: 600, part: { kind: 'tool_call', ...call, input } },
    { afterMs: 1_022, part: { kind: 'tool_result', ...call, ok: true, output, durationMs: 422 } },
  ];
}

function outputOf(id: string): unknown {
  if (id === 'suppliers') {
    return { makers: range(36).map((n) => `${MAKERS[n % MAKERS.length]} ${Math.ceil(n / 8)}`) };
  }
  if (id === 'screen') return { claims: range(44).map((n) => `claim ${n}`) };
  return `Findings for ${id}. Margins are stable, energy is hedged until mid-2027, and the order book covers 7.5 months. Three open points are listed for the review.`;
}

export interface SampleOptions {
  readonly maxParallel?: number;
  /** The limit is lowered to this when the sections are written. */
  readonly lowerTo?: number | undefined;
  /** Other durations. */
  readonly seed?: number | undefined;
}

/**
 * 183 tasks on 15 levels: fan-outs of 36 and 44, retries, rate-limit pauses, an approval, four
 * failures, and tasks skipped because of them.
 */
export function diligenceRun(options: SampleOptions = {}): RunEvent[] {
  const { maxParallel = 12, lowerTo = 6, seed = 0 } = options;
  const goal = 'Supplier due diligence: 36 makers of cast parts, eight regions';
  const { timeline } = simulate(
    { goal, tasks: diligenceTasks() },
    {
      strategy: parallel({ maxParallel }),
      retry: { maxAttempts: 3, initialDelayMs: 2_000, maxDelayMs: 2_000 },
      seed,
      prices: { [MODEL]: { inputPerMillion: 2.5, outputPerMillion: 10 } },
      attempt: (each, attempt) => attemptAt(each, attempt, seed),
      answer: () => ({ afterMs: 14_000, answer: true }),
      actions: [{ atMs: 59_200, act: (run) => run.setMaxParallel(lowerTo) }],
    },
  );
  return at(timeline, Date.UTC(2026, 10, 29, 21, 57, 28));
}

/** Five tasks that all complete. */
export function researchRun(): RunEvent[] {
  const tasks = [
    task('research', 'Gather market data for residential heat pumps in Europe'),
    task('technology', 'Summarise the state of the technology', ['research']),
    task('rivals', 'Compare the five largest makers', ['research']),
    task('regulation', 'Summarise subsidies and rules', ['research']),
    task('report', 'Write the report', ['technology', 'rivals', 'regulation']),
  ];
  const lengths: Record<string, number> = {
    ...{ research: 4_900, technology: 2_500, rivals: 4_300, regulation: 4_200, report: 3_700 },
  };
  const { timeline } = simulate(
    { goal: 'Market research report on residential heat pumps in Europe', tasks },
    {
      strategy: parallel({ maxParallel: 5 }),
      prices: { [MODEL]: { inputPerMillion: 2.5, outputPerMillion: 10 } },
      attempt: ({ id }) => ({
        durationMs: lengths[id] ?? 1_000,
        output: outputOf(id),
        usage: { inputTokens: 183, outputTokens: 116 },
        model: MODEL,
      }),
    },
  );
  return at(timeline, Date.UTC(2026, 10, 29, 21, 55, 44));
}

/** Ten steps for each of many documents. */
export function documentsRun(documents = 500): RunEvent[] {
  const steps = [
    ...['fetch', 'clean', 'split', 'embed', 'classify'],
    ...['extract', 'check', 'link', 'score', 'summary'],
  ];
  const tasks = steps.flatMap((step, index) =>
    range(documents).map((n) =>
      task(
        `${step}-${n}`,
        `${step} document ${n}`,
        index === 0 ? [] : [`${steps[index - 1]}-${n}`],
      ),
    ),
  );
  const { timeline } = simulate(
    { goal: `Index ${documents} documents in ten steps`, tasks },
    {
      strategy: parallel({ maxParallel: 64 }),
      attempt: ({ id }) => ({
        durationMs: 800 + 200 * chance(id),
        output: outputOf(id),
        usage: { inputTokens: 78, outputTokens: 53 },
        model: MODEL,
      }),
    },
  );
  return at(timeline, Date.UTC(2026, 10, 29, 21, 50, 0));
}

/** The same events as if the run had started at another time. */
function at(timeline: readonly RunEvent[], startedAt: number): RunEvent[] {
  const shift = startedAt - (timeline[0]?.timestamp ?? 0);
  return timeline.map((event) => ({ ...event, timestamp: event.timestamp + shift }));
}
