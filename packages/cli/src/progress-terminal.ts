import { styleText } from 'node:util';
import { createLogUpdate } from 'log-update';
import { formatDuration } from './duration.js';
import type { Progress } from './progress.js';
import { ProgressCounts } from './progress-counts.js';
import { onOneLine } from './terminal-text.js';

const REDRAW_MS = 100;

/** For people: a block that is redrawn, with the tasks that run, the counts and the time. */
export function createTerminalProgress(stream: NodeJS.WriteStream): Progress {
  const draw = createLogUpdate(stream);
  const counts = new ProgressCounts();
  const running = new Map<string, number>();
  let goal = '';
  let began = 0;

  const redraw = () => {
    // The last column and row stay free: a full line would wrap and break the redrawing.
    const width = Math.max(3, (stream.columns ?? 80) - 1);
    const rows = Math.max(1, (stream.rows ?? 24) - 4);
    const now = performance.timeOrigin + performance.now();
    const lines = [styleText('bold', onOneLine(goal, width), { stream })];
    for (const [id, startedAt] of [...running].slice(0, rows)) {
      const elapsed = formatDuration(now - startedAt);
      const name = onOneLine(id, Math.max(1, width - elapsed.length - 5));
      const mark = styleText('cyan', '▸', { stream });
      lines.push(`  ${mark} ${name} ${styleText('dim', elapsed, { stream })}`);
    }
    if (running.size > rows) {
      lines.push(`  ${onOneLine(`… and ${running.size - rows} more running`, width - 2)}`);
    }
    lines.push(onOneLine(`${counts}, ${formatDuration(now - began)}`, width));
    draw(lines.join('\n'));
  };
  const timer = setInterval(redraw, REDRAW_MS);
  timer.unref();

  return {
    onEvent(event) {
      counts.apply(event);
      switch (event.type) {
        case 'plan_started':
          goal = event.plan.goal;
          began = event.timestamp;
          redraw();
          break;
        case 'task_started':
          running.set(event.taskId, event.timestamp);
          break;
        case 'task_completed':
        case 'task_failed':
        case 'task_canceled':
          running.delete(event.taskId);
          break;
      }
    },
    stop() {
      clearInterval(timer);
      draw.clear();
      draw.done();
    },
  };
}
