import type { ChildProcess } from 'node:child_process';

/** Processes that are under way: those of a process that ends must not outlive it. */
const running = new Set<ChildProcess>();
let isWatching = false;

/** @returns Forgets the process again, which has ended. */
export function trackGroup(child: ChildProcess): () => void {
  running.add(child);
  if (!isWatching) {
    isWatching = true;
    process.on('exit', () => {
      for (const each of running) killGroup(each, 'SIGKILL');
    });
  }
  return () => void running.delete(child);
}

/** Ends a process that leads a group, and its group. */
export function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  const { pid } = child;
  if (pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill(signal);
    else process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}
