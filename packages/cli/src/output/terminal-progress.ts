import type { RunEvent, TaskOutputReceived } from '@stratagem/core';
import { RunEstimate } from '@stratagem/core/analysis';
import { divide } from './bar.js';
import { type Canvas, canvasFor, fitting } from './canvas.js';
import { failureMessage } from './failure-message.js';
import { formatCost, formatCount } from './format-amounts.js';
import { formatDuration } from './format-duration.js';
import { causeText } from './labels.js';
import { leftText } from './left-text.js';
import { LiveBlock } from './live-block.js';
import { OpenLoops } from './loop-words.js';
import { plural } from './plural.js';
import type { Progress } from './progress.js';
import { ProgressCounts } from './progress-counts.js';
import { idOnOneLine, onOneLine, padTo, widthOf } from './terminal-text.js';

const REDRAW_MS = 100;
/** A large plan changes all the time: fewer pictures are enough. */
const LARGE_TICKS = 5;
const LARGE = 2_000;
const MAX_ROWS = 8;
/** Failures beyond these are left to the summary. */
const MAX_FAILURES = 20;

/** Counts that are shown even when they are 0. */
const ALWAYS_COUNTED: readonly string[] = ['completed', 'running', 'to go'];

interface Running {
  since: number;
  readonly attempt: number;
  /** Streamed text whose words have not been counted. */
  pending: string;
  words: number;
  isInWord: boolean;
  /** The tool that it is calling. */
  tool: string | undefined;
}

/**
 * For terminals: failures stay above a block that is redrawn in place, with a bar, the time that is left,
 * counts, tokens and cost, and one line for each running task.
 */
export function createTerminalProgress(stream: NodeJS.WriteStream): Progress {
  const block = new LiveBlock(stream);
  const counts = new ProgressCounts();
  const estimate = new RunEstimate();
  const loops = new OpenLoops();
  const running = new Map<string, Running>();
  /** What tasks and the run wait for, by task id or resource. */
  const waiting = new Map<string, { readonly glyph: string; readonly text: string }>();
  /** The replanning round in progress, and its start. */
  let round: { readonly number: number; readonly since: number } | undefined;
  const spent = { tokens: 0, costUsd: 0 as number | null };
  let failures = 0;
  let suspended = false;
  let goal = '';
  let startedAt = 0;
  /** The latest event: the time of a run goes on from there, whatever the clock of the system says. */
  let latest = { timestamp: 0, receivedAt: 0 };

  const redraw = () => {
    if (suspended) return;
    const canvas = canvasFor(stream);
    const now = latest.timestamp + (performance.now() - latest.receivedAt);
    const rows = Math.max(1, Math.min(MAX_ROWS, (stream.rows ?? 24) - 7));
    const lines = [
      '',
      headLine(canvas, now),
      barLine(canvas),
      countLine(canvas),
      ...taskLines(canvas, now, rows),
    ];
    block.draw(
      lines,
      lines.map((line) => widthOf(line)),
    );
  };

  function headLine({ style, width }: Canvas, now: number): string {
    const left = leftText(estimate.leftAt(now));
    const elapsed = formatDuration(now - startedAt);
    const right = left === '' ? elapsed : `${elapsed}   ${left}`;
    const shown = widthOf(right) + 12 > width ? elapsed : right;
    const room = Math.max(1, width - widthOf(shown) - 4);
    const title = style('bold', padTo(onOneLine(goal, room), room));
    return ` ${title}   ${style('dim', shown)}`;
  }

  /** Failures are never hidden behind what is running. */
  function barLine({ style, width }: Canvas): string {
    const { total, settled, failed, completed } = counts;
    const percent = total === 0 ? 0 : Math.floor((settled / total) * 100);
    const columns = Math.max(5, Math.min(80, width - 8));
    const lost = settled - completed - failed;
    const open = Math.min(counts.running, total - settled);
    const [done = 0, bad = 0, none = 0, busy = 0] = divide(columns, [
      ...[completed, failed, lost, open],
      Math.max(0, total - settled - open),
    ]);
    const parts = [
      style('green', '█'.repeat(done)),
      style('red', '▓'.repeat(bad)),
      style('yellow', '▓'.repeat(none)),
      style('cyan', '▒'.repeat(busy)),
      style('dim', '░'.repeat(columns - done - bad - none - busy)),
    ];
    const share = counts.isGrowing ? '…' : `${percent} %`;
    return ` ${parts.join('')} ${share.padStart(5)}`;
  }

  function countLine({ style, width }: Canvas): string {
    const { total, settled, completed, failed, skipped, canceled, goal: reached } = counts;
    const left = Math.max(0, total - settled - counts.running);
    const parts = [
      ['✓', completed, 'completed', 'green'],
      ['◔', counts.running, 'running', 'cyan'],
      ['✗', failed, 'failed', 'red'],
      ['–', skipped, 'skipped', 'yellow'],
      ['⊘', canceled, 'canceled', 'yellow'],
      ['○', left, 'to go', 'dim'],
    ] as const;
    const shown = parts.filter(([, count, word]) => count > 0 || ALWAYS_COUNTED.includes(word));
    const goalText = reached === undefined ? [] : [`goal ${Math.round(reached * 100)} %`];
    const words = shown.map(([, count, word]) =>
      word === 'failed' ? style('red', `${count} failed`) : `${count} ${word}`,
    );
    // Nobody knows how many there will be.
    if (counts.isGrowing) words.push('and more');
    const signs = shown.map(([glyph, count, , colour]) => `${style(colour, glyph)} ${count}`);
    const cost = spent.costUsd === null || spent.costUsd === 0 ? '' : formatCost(spent.costUsd);
    const usage =
      spent.tokens === 0 ? '' : `${formatCount(spent.tokens)} tokens   ${cost}`.trimEnd();
    for (const each of [words, signs]) {
      const text = [...each, ...goalText].join(' · ');
      const gap = width - 1 - widthOf(text) - widthOf(usage);
      if (gap >= 3) return ` ${text}${' '.repeat(gap)}${style('dim', usage)}`.trimEnd();
    }
    return ` ${fitting([...signs, ...goalText], width - 1)}`;
  }

  function taskLines(canvas: Canvas, now: number, rows: number): string[] {
    const { style, width } = canvas;
    const lines: string[] = [];
    const add = (glyph: string, label: string, facts: string) => {
      const room = Math.max(1, Math.min(width - 5 - widthOf(facts), 48));
      lines.push(` ${glyph} ${padTo(idOnOneLine(label, room), room)}  ${style('dim', facts)}`);
    };
    if (round !== undefined) {
      const elapsed = formatDuration(now - round.since);
      add(style('cyan', '◔'), `replanning, round ${round.number}`, elapsed.padStart(8));
    }
    for (const [id, { glyph, text }] of waiting) {
      if (lines.length >= rows / 2) break;
      add(style(glyph === '◆' ? 'magenta' : 'yellow', glyph), id, text);
    }
    for (const [id, text] of loops.texts()) {
      if (lines.length >= rows / 2) break;
      add(style('cyan', '↻'), id, text);
    }
    let shown = 0;
    for (const [id, task] of running) {
      const isLast = lines.length === rows - 1;
      if (isLast && running.size - shown > 1) break;
      shown++;
      countWords(task);
      add(style('cyan', '◔'), id, factsOf(task, now, width));
    }
    if (shown < running.size) lines.push(`   and ${running.size - shown} more`);
    return lines.length === 0 ? [] : ['', ...lines];
  }

  function printFailure(id: string, message: string): void {
    failures++;
    if (failures > MAX_FAILURES + 1) return;
    const { style, width } = canvasFor(stream);
    const name = idOnOneLine(id, Math.min(30, width - 4));
    const room = Math.max(0, width - 5 - widthOf(name));
    const line =
      failures > MAX_FAILURES
        ? onOneLine('more tasks failed; the summary lists them by cause', width - 3)
        : `${name}  ${onOneLine(message, room)}`;
    block.printAbove(` ${style('red', '✗')} ${line}\n`);
    if (!suspended) redraw();
  }

  function spend(event: { usage?: unknown; costUsd?: number | undefined }): void {
    const usage = event.usage as { inputTokens: number; outputTokens: number } | undefined;
    if (usage === undefined) return;
    spent.tokens += usage.inputTokens + usage.outputTokens;
    if (event.costUsd === undefined) spent.costUsd = null;
    else if (spent.costUsd !== null) spent.costUsd += event.costUsd;
  }

  function update(event: RunEvent): void {
    // Most events of a run are pieces of text.
    if (event.type === 'task_output') {
      noteOutput(running.get(event.taskId), event);
      return;
    }
    counts.apply(event);
    estimate.apply(event);
    loops.apply(event);
    latest = { timestamp: event.timestamp, receivedAt: performance.now() };
    switch (event.type) {
      case 'run_started':
        goal = event.plan.goal;
        startedAt = event.timestamp;
        break;
      case 'run_resumed':
        // Attempts that were in flight start again, and downtime does not count.
        startedAt += event.downtimeMs;
        for (const task of running.values()) task.since = event.timestamp;
        break;
      case 'task_started':
        waiting.delete(event.taskId);
        running.set(event.taskId, newTask(event.timestamp, event.attempt));
        break;
      case 'task_retrying':
        spend(event.error);
        running.delete(event.taskId);
        waiting.set(event.taskId, {
          glyph: '↻',
          text: `again in ${formatDuration(event.delayMs)}: ${event.error.code.replaceAll('_', ' ')}`,
        });
        break;
      case 'task_waiting':
        waiting.set(event.taskId, { glyph: '◆', text: `waits for an ${event.kind}` });
        break;
      case 'run_paused':
        waiting.set('the run', { glyph: '◆', text: 'paused' });
        break;
      case 'run_unpaused':
        waiting.delete('the run');
        break;
      case 'replan_started':
        round = { number: event.round, since: event.timestamp };
        break;
      case 'replan_completed':
        spend(event);
        round = undefined;
        break;
      case 'replan_failed':
        spend(event.error);
        round = undefined;
        break;
      case 'task_completed':
        spend(event);
        forget(event.taskId);
        break;
      case 'task_failed':
        spend(event.error);
        forget(event.taskId);
        break;
      case 'task_skipped':
      case 'task_canceled':
        forget(event.taskId);
        break;
    }
  }

  function forget(id: string): void {
    running.delete(id);
    if (waiting.size > 0) waiting.delete(id);
  }

  let ticks = 0;
  const timer = setInterval(() => {
    ticks++;
    if (counts.total <= LARGE || ticks % LARGE_TICKS === 0) redraw();
  }, REDRAW_MS);
  timer.unref();

  return {
    restore: update,
    onEvent(event) {
      update(event);
      if (event.type === 'run_started') redraw();
      // A group fails because its tasks have, which are shown.
      if (event.type === 'task_failed' && event.error.code !== 'subtasks_failed') {
        const { code, status } = event.error;
        printFailure(
          event.taskId,
          causeText({ code, status, message: failureMessage(event.error) }),
        );
      }
    },
    suspend() {
      suspended = true;
      block.clear();
    },
    resume() {
      suspended = false;
      redraw();
    },
    stop() {
      clearInterval(timer);
      suspended = true;
      block.stop();
    },
  };
}

function newTask(since: number, attempt: number): Running {
  return { since, attempt, pending: '', words: 0, isInWord: false, tool: undefined };
}

/** `3.4 s   attempt 2   118 words   search` */
function factsOf({ since, attempt, words, tool }: Running, now: number, width: number): string {
  const parts = [
    formatDuration(now - since).padStart(8),
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
    ...(words > 0 ? [plural(words, 'word')] : []),
    ...(tool === undefined ? [] : [onOneLine(tool, 20)]),
  ];
  let text = '';
  for (const part of parts) {
    if (text !== '' && text.length + part.length + 3 > width / 2) break;
    text = text === '' ? part : `${text}   ${part}`;
  }
  return text;
}

function noteOutput(task: Running | undefined, event: TaskOutputReceived): void {
  if (task === undefined) return;
  if (event.kind === 'tool_call') task.tool = event.tool;
  else if (event.kind === 'tool_result') task.tool = undefined;
  else if (event.kind === 'text') task.pending += event.text;
}

/** Counts the words that have come since the last picture; most tasks are on none. */
function countWords(task: Running): void {
  const { pending } = task;
  for (let position = 0; position < pending.length; position++) {
    const isSpace = pending.charCodeAt(position) <= 32;
    if (!isSpace && !task.isInWord) task.words++;
    task.isInWord = !isSpace;
  }
  task.pending = '';
}
