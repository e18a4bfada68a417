import {
  describeOrigin,
  explainSwitch,
  type RunAnalysis,
  type SpanKind,
  type TaskAnalysis,
} from '@stratagem/core/analysis';
import type { Fork } from '@stratagem/core/journal';
import type { Alternative, Alternatives } from '@stratagem/core/simulate';
import { bar } from './bar.js';
import { type Canvas, canvasFor, fitting, wrapped } from './canvas.js';
import { formatCost, formatCount } from './format-amounts.js';
import { formatDuration } from './format-duration.js';
import { causeText, PART_WORDS, SPAN_WORDS, STATES } from './labels.js';
import { plural } from './plural.js';
import type { RunSwitch } from './run-switches.js';
import { skipReason } from './skip-reason.js';
import { onOneLine, padTo, widthOf } from './terminal-text.js';

/** A longer chain is shortened in its middle. */
const MAX_ROWS = 40;
/** A replay that differs from the run by more than this share is mentioned. */
const TOLERANCE = 0.02;

/** Why a run took as long as it did, and what would have made it faster. */
export function whyRun(
  analysis: RunAnalysis,
  found: Alternatives,
  switches: readonly RunSwitch[],
  forks: readonly Fork[],
  stream: NodeJS.WriteStream,
): string {
  const canvas = canvasFor(stream);
  const { makespanMs, counts, strategy, status, forkedFrom } = analysis;
  if (counts.total === 0 || makespanMs === 0) {
    return `${canvas.style('bold', onOneLine(analysis.goal))}\nNo task has run yet.\n`;
  }
  const setup = [status, formatDuration(makespanMs), strategy, plural(counts.total, 'task')];
  const origin = forkedFrom === undefined ? [] : [`forked from ${describeOrigin(forkedFrom)}`];
  return [
    canvas.style('bold', onOneLine(analysis.goal, canvas.width)),
    fitting(setup, canvas.width),
    ...[...origin, ...forkLines(forks)].flatMap((line) =>
      wrapped(onOneLine(line), canvas.width, MAX_RELATION_LINES),
    ),
    ...section('What decided the time', partRows(analysis, canvas), canvas),
    ...section('The chain that ends last, in order of time', chainRows(analysis, canvas), canvas),
    ...section('What ready tasks waited for, all together', waitRows(analysis, canvas), canvas),
    ...section('How the strategy chose its limit', switchRows(switches, canvas), canvas),
    ...section('What would have been faster', alternativeRows(found, canvas), canvas),
    '',
  ].join('\n');
}

/** What is different in a fork may be a lot. */
const MAX_RELATION_LINES = 3;
/** More forks of a run are only counted. */
const SHOWN_FORKS = 5;

function forkLines(forks: readonly Fork[]): string[] {
  const lines = forks
    .slice(0, SHOWN_FORKS)
    .map(
      ({ runId, forkedFrom }) =>
        `has the fork ${runId} ${describeOrigin({ ...forkedFrom, runId: undefined })}`,
    );
  const more = forks.length - SHOWN_FORKS;
  return more > 0 ? [...lines, `and ${plural(more, 'more fork')}`] : lines;
}

function section(title: string, rows: readonly string[], { style }: Canvas): string[] {
  return rows.length === 0 ? [] : ['', style('bold', title), ...rows.map((row) => `  ${row}`)];
}

function partRows({ criticalPath, makespanMs }: RunAnalysis, canvas: Canvas): string[] {
  const rows = criticalPath.parts.map(({ part, ms }) => ({ label: PART_WORDS[part], ms }));
  const width = Math.max(10, Math.min(24, canvas.width - 52));
  const lines = rows.map(({ label, ms }) => {
    const share = `${Math.round((ms / makespanMs) * 100)} %`.padStart(5);
    const drawn = canvas.style('green', bar(ms / makespanMs, width));
    return `${label.padEnd(28)}${formatDuration(ms).padStart(10)}  ${share}  ${drawn}`.trimEnd();
  });
  return [...lines, `${'total'.padEnd(28)}${formatDuration(makespanMs).padStart(10)}`];
}

function chainRows(analysis: RunAnalysis, canvas: Canvas): string[] {
  const { segments } = analysis.criticalPath;
  const width = Math.max(
    4,
    ...segments.map(({ taskId = '' }) => Math.min(30, widthOf(onOneLine(taskId, 30)))),
  );
  const rows = segments.flatMap(({ part, kind, startMs, endMs, taskId = '', attempt }) => {
    const words = kind === undefined ? PART_WORDS[part] : SPAN_WORDS[kind];
    const number = attempt !== undefined && attempt > 1 ? ` (attempt ${attempt})` : '';
    const name = padTo(onOneLine(taskId, width), width);
    return timedRow(startMs, endMs, `${name}  ${words}${number}`, canvas);
  });
  return shortened(rows);
}

/** The columns of the two times. */
const TIMES_WIDTH = 25;

/** What began when and how long it took, on as many lines as the words need. */
function timedRow(startMs: number, endMs: number, text: string, { style, width }: Canvas) {
  const at = style('dim', `at ${formatDuration(startMs).padStart(9)}`);
  const took = formatDuration(endMs - startMs).padStart(9);
  const room = Math.max(10, width - TIMES_WIDTH - 3);
  const [first = '', ...rest] = wrapped(text, room, 3);
  return [`${at}  ${took}  ${first}`, ...rest.map((line) => `${' '.repeat(TIMES_WIDTH)}${line}`)];
}

function shortened(rows: readonly string[]): string[] {
  if (rows.length <= MAX_ROWS) return [...rows];
  const half = MAX_ROWS / 2;
  const left = rows.length - MAX_ROWS;
  return [...rows.slice(0, half), `… and ${left} more (--json has all)`, ...rows.slice(-half)];
}

/** The columns of a time. */
const TIME_WIDTH = 14;
/** The most lines of a switch. */
const SWITCH_LINES = 8;

/** Each switch of the strategy: when, what, and why, on as many lines as the words need. */
function switchRows(switches: readonly RunSwitch[], { style, width }: Canvas): string[] {
  const rows = switches.flatMap(({ event, atMs }) => {
    const { to, limit, resource, reason } = event;
    const at = style('dim', `at ${formatDuration(atMs).padStart(9)}`);
    const chosen = limit === undefined || to === 'paced' ? to : `at most ${limit} at once`;
    const where = resource === undefined ? '' : ` (${onOneLine(resource, 40)})`;
    const text = `${chosen}${where}: ${reason}. ${explainSwitch(event)}`.trimEnd();
    const room = Math.max(10, width - TIME_WIDTH - 3);
    const [first = '', ...rest] = wrapped(onOneLine(text, 600), room, SWITCH_LINES);
    return [`${at}  ${first}`, ...rest.map((line) => `${' '.repeat(TIME_WIDTH)}${line}`)];
  });
  return shortened(rows);
}

/** Waits of tasks that could have started, by cause. */
export function waitsOf(tasks: readonly TaskAnalysis[]) {
  const waits = new Map<SpanKind, { ms: number; tasks: number }>();
  for (const { spans } of tasks) {
    const seen = new Set<SpanKind>();
    for (const { kind, startMs, endMs } of spans) {
      if (NO_WAITS.includes(kind)) continue;
      const wait = waits.get(kind) ?? { ms: 0, tasks: 0 };
      waits.set(kind, wait);
      wait.ms += endMs - startMs;
      if (!seen.has(kind)) wait.tasks++;
      seen.add(kind);
    }
  }
  return Array.from(waits, ([kind, wait]) => ({ kind, ...wait })).sort((a, b) => b.ms - a.ms);
}

const NO_WAITS: readonly SpanKind[] = ['dependency', 'run', 'retried', 'children', 'settled'];

function waitRows({ tasks }: RunAnalysis, { style }: Canvas): string[] {
  return waitsOf(tasks).map(({ kind, ms, tasks }) => {
    const count = style('dim', `in ${plural(tasks, 'task')}`);
    return (
      `${WAIT_WORDS[kind] ?? SPAN_WORDS[kind]}`.padEnd(28) +
      `${formatDuration(ms).padStart(10)}  ${count}`
    );
  });
}

const WAIT_WORDS: Partial<Record<SpanKind, string>> = {
  paused: 'run paused',
  cap: 'free slot',
  resource_cap: 'free slot of a resource',
  places: 'free slot of the executor',
  budget: 'budget',
  strategy: 'strategy',
  queue: 'worker',
  backoff: 'next attempt',
  person: 'person',
};

function alternativeRows(found: Alternatives, canvas: Canvas): string[] {
  const { makespanMs, replayMs, alternatives } = found;
  if (alternatives.length === 0) return [];
  const rows = worthwhile(found).map((each) => {
    const saved = formatDuration(replayMs - each.makespanMs);
    const time = formatDuration(each.makespanMs).padStart(10);
    const less = canvas.style('green', `  ${saved} less`);
    return `${alternativeText(each).padEnd(28)}${time}${less}`;
  });
  if (rows.length === 0) rows.push('No other limit, and no run without pauses and retries.');
  const enough = enoughOf(found);
  if (enough !== undefined) rows.push(`at most ${enough} at once would have taken no longer`);
  const isOff = Math.abs(replayMs - makespanMs) > makespanMs * TOLERANCE;
  if (!isOff) return rows;
  return [`${'as it was, replayed'.padEnd(28)}${formatDuration(replayMs).padStart(10)}`, ...rows];
}

/** What saves time; of several caps, none that saves no more than a lower one. */
function worthwhile({ replayMs, alternatives }: Alternatives): Alternative[] {
  let best = replayMs * (1 - TOLERANCE);
  return alternatives.filter(({ kind, makespanMs }) => {
    if (kind !== 'max_parallel') return makespanMs < replayMs * (1 - TOLERANCE);
    if (makespanMs >= best) return false;
    best = makespanMs * (1 - TOLERANCE);
    return true;
  });
}

/** The lowest cap that would have been enough, if it is lower than the one that the run had. */
function enoughOf({ replayMs, alternatives }: Alternatives): number | undefined {
  const caps = alternatives.flatMap(({ maxParallel, makespanMs }) =>
    typeof maxParallel === 'number' && Math.abs(makespanMs - replayMs) <= replayMs * TOLERANCE
      ? maxParallel
      : [],
  );
  return caps.length === 0 || worthwhile({ makespanMs: 0, replayMs, alternatives }).length > 0
    ? undefined
    : Math.min(...caps);
}

function alternativeText({ kind, maxParallel }: Alternative): string {
  if (kind === 'without_rate_limits') return 'without rate-limit pauses';
  if (kind === 'without_retries') return 'without failed attempts';
  return maxParallel === null ? 'no limit' : `at most ${maxParallel} at once`;
}

/** What one task waited for and did. */
export function whyTask(
  task: TaskAnalysis,
  analysis: RunAnalysis,
  stream: NodeJS.WriteStream,
): string {
  const canvas = canvasFor(stream);
  const [colour, glyph] = STATES[task.state];
  const name = canvas.style('bold', onOneLine(task.id, canvas.width - 3));
  const { waitedMs, ranMs, attempts, isCritical, level, reusedFrom } = task;
  const facts = [
    task.state,
    ...(reusedFrom === undefined ? [] : [`output taken from run ${onOneLine(reusedFrom, 40)}`]),
    `ran ${formatDuration(ranMs)}`,
    `waited ${formatDuration(waitedMs)} while it was ready`,
    ...(attempts.length > 1 ? [plural(attempts.length, 'attempt')] : []),
    ...(isCritical ? ['on the critical path'] : []),
    `level ${level}`,
  ];
  const reason =
    task.reason === undefined
      ? []
      : [`  because ${onOneLine(skipReason(task.reason, task.failedTaskId), canvas.width - 10)}`];
  return [
    `${canvas.style(colour, glyph)} ${name}`,
    `  ${fitting(facts, canvas.width - 2)}`,
    ...reason,
    ...section('Where its time went', spanRows(task, canvas), canvas),
    ...section('Attempts', attempts.length === 0 ? [] : attemptRows(task, canvas), canvas),
    ...section('After it', dependentRows(task, analysis, canvas), canvas),
    '',
  ].join('\n');
}

function spanRows({ spans }: TaskAnalysis, canvas: Canvas): string[] {
  const rows = spans.flatMap(({ kind, startMs, endMs, by, attempt, resource }) => {
    const number = attempt !== undefined && kind !== 'rate_limit' ? ` (attempt ${attempt})` : '';
    const cause = by === undefined ? '' : `, until ${onOneLine(by, 40)} had ended`;
    const where = resource === undefined ? '' : ` of ${onOneLine(resource, 40)}`;
    return timedRow(startMs, endMs, `${SPAN_WORDS[kind]}${where}${cause}${number}`, canvas);
  });
  return shortened(rows);
}

function attemptRows({ attempts }: TaskAnalysis, canvas: Canvas): string[] {
  return attempts.flatMap((each) => {
    const { attempt, beginMs, endMs, outcome, usage, costUsd, model, tools } = each;
    const parts = [
      outcome,
      ...(endMs === undefined ? [] : [formatDuration(endMs - beginMs)]),
      ...(usage === undefined
        ? []
        : [`${formatCount(usage.inputTokens)} tokens in, ${formatCount(usage.outputTokens)} out`]),
      ...(costUsd === undefined ? [] : [formatCost(costUsd)]),
      ...(model === undefined ? [] : [onOneLine(model, 30)]),
    ];
    const { code, message = '', status } = each;
    const cause =
      code === undefined
        ? []
        : [`   ${onOneLine(causeText({ code, message, status }), canvas.width - 6)}`];
    const calls = tools.map(({ tool, startMs, endMs: toolEndMs, ok }) => {
      const took = toolEndMs === undefined ? 'unfinished' : formatDuration(toolEndMs - startMs);
      return `   ${onOneLine(tool, 40)} ${took}${ok === false ? ' failed' : ''}`;
    });
    return [`${attempt}. ${fitting(parts, canvas.width - 6)}`, ...cause, ...calls];
  });
}

/** The tasks that began when this one had ended. */
function dependentRows(task: TaskAnalysis, { tasks }: RunAnalysis, canvas: Canvas): string[] {
  const released = tasks.filter(({ spans }) =>
    spans.some(({ kind, by }) => kind === 'dependency' && by === task.id),
  );
  if (released.length === 0) return [];
  const names = released.slice(0, 8).map(({ id }) => onOneLine(id, 30));
  const more = released.length > 8 ? ` and ${released.length - 8} more` : '';
  return [
    onOneLine(`it was the last that ${names.join(', ')}${more} waited for`, canvas.width - 2),
  ];
}
