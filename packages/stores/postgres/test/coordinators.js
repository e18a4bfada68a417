// Coordinators in processes of their own, which are killed and started again.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('./kill-child.js', import.meta.url));

/** @param given What the child needs. */
export function coordinators(count, given, onDot = () => {}) {
  /** When each process was killed, by its id. */
  const killedAt = new Map();
  const start = () => {
    const child = spawn(process.execPath, [CHILD, JSON.stringify(given)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.on('data', (data) => {
      for (let n = 0; n < data.length; n++) onDot();
    });
    return child;
  };
  const children = Array.from({ length: count }, start);
  return {
    killedAt,
    /** Kills one, and starts another in its place. */
    async replace(index) {
      const child = children[index];
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
      killedAt.set(child.pid, Date.now());
      children[index] = start();
    },
    /** Lets one stand still for a while, as a virtual machine may. */
    async suspend(index, durationMs) {
      children[index].kill('SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, durationMs));
      children[index].kill('SIGCONT');
    },
    async end() {
      const exits = children.map((child) => once(child, 'exit'));
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(exits);
    },
  };
}

/**
 * The runs that two coordinators had at once. One that is too slow loses the lease while it is alive:
 * then it must notice that, and not end its part as if it still had the run.
 */
export function ownedByTwo(notes, killedAt) {
  const lines = readFileSync(notes, 'utf8').split('\n');
  const owners = new Map();
  const replaced = new Map();
  const wrong = [];
  for (const line of lines.slice(0, -1)) {
    const { pid, what, runId, at } = JSON.parse(line);
    const key = `${pid} ${runId}`;
    const owner = owners.get(runId);
    if (what === 'begin') {
      const diedAt = killedAt.get(owner) ?? Number.POSITIVE_INFINITY;
      if (owner !== undefined && owner !== pid && diedAt > at)
        replaced.set(`${owner} ${runId}`, at);
      owners.set(runId, pid);
    } else if (what === 'end') {
      if (replaced.has(key)) wrong.push(runId);
      if (owner === pid) owners.delete(runId);
    } else if (what === 'lost') replaced.delete(key);
  }
  return wrong;
}
