import type { Metrics, PlanResult, RunEvent, TaskResult } from '@stratagem/core';

const WIDTH = 80;

export function title(text: string): void {
  console.log(`${text}\n${'─'.repeat(text.length)}`);
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

/** Prints the most important metrics. */
export function printMetrics(metrics: Metrics): void {
  const rows: [string, string][] = [
    ['Tasks', `${metrics.totalTasks}`],
    ['Success rate', `${(metrics.successRate * 100).toFixed(0)} %`],
    ['Execution time', seconds(metrics.executionTimeMs)],
    ['Average task duration', seconds(metrics.averageTaskDurationMs)],
    ['Throughput', `${metrics.throughputPerSecond.toFixed(1)} tasks/s`],
    ['Peak concurrency', `${metrics.peakConcurrency}`],
    ['Speedup', `${metrics.speedup.toFixed(2)} times as fast as one task at a time`],
  ];
  for (const [name, value] of rows) console.log(`  ${name.padEnd(23)}${value}`);
}

/** Prints a line per event, with the time since the start. */
export function printTimeline({ timeline }: PlanResult): void {
  const began = timeline[0]?.timestamp ?? 0;
  for (const event of timeline) {
    if (event.type === 'task_output') continue; // One event per chunk of text: too many to print.
    console.log(`  ${seconds(event.timestamp - began).padStart(7)}  ${describe(event)}`);
  }
}

function describe(event: RunEvent): string {
  const name = event.type.padEnd(21);
  if (event.type === 'goal_checked') return `${name}${Math.round(event.progress * 100)} %`;
  if (!('taskId' in event) || event.taskId === undefined) return name.trimEnd();
  const level = 'level' in event ? `level ${event.level}  ` : '';
  const duration = 'durationMs' in event ? ` (${seconds(event.durationMs ?? 0)})` : '';
  const why =
    'error' in event ? `: ${event.error?.code}` : 'reason' in event ? `: ${event.reason}` : '';
  return `${name}${level}${event.taskId}${duration}${why}`;
}

/** Prints the name of a task and the beginning of its output, on one line. */
export function printTask({ id, status, output }: TaskResult): void {
  const name = `  ${id.padEnd(10)} `;
  const line = status === 'completed' ? String(output).replace(/\s+/g, ' ') : status;
  const room = WIDTH - name.length;
  console.log(name + (line.length <= room ? line : `${line.slice(0, room - 1)}…`));
}

/** Prints a text, wrapped and indented. */
export function printText(text: unknown, indent = 2): void {
  const lines = String(text).match(new RegExp(`\\S.{0,${WIDTH - indent - 1}}(?!\\S)|\\S+`, 'g'));
  for (const line of lines ?? []) console.log(' '.repeat(indent) + line.trimEnd());
}
