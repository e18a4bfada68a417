// Coordinators and workers in processes of their own, which are killed and started again.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));

/**
 * @param roles What each of them is.
 * @param given What they need.
 */
export function startProcesses(roles, given, onDot = () => {}) {
  /** When each process was killed, by its id. */
  const killedAt = new Map();
  /** What processes have written before they ended by themselves, by their ids. */
  const crashes = new Map();
  const children = [];
  /** The processes that can do their work. */
  const up = new WeakSet();
  let isEnding = false;
  const start = (index) => {
    const child = spawn(
      process.execPath,
      [CHILD, JSON.stringify({ ...given, role: roles[index] })],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let output = '';
    child.stdout.on('data', (data) => {
      const text = data.toString();
      if (text.includes('^')) up.add(child);
      for (const sign of text) if (sign === '.') onDot();
    });
    child.stderr.on('data', (data) => {
      output += data;
    });
    child.on('close', () => {
      if (isEnding || killedAt.has(child.pid)) return;
      // As a supervisor does: a worker does not start while the server is down.
      crashes.set(child.pid, output);
      start(index);
    });
    children[index] = child;
  };
  for (const index of roles.keys()) start(index);
  return {
    killedAt,
    crashes,
    /** Kills one when another one can take its work, and starts another in its place. */
    async replace(index) {
      const isAnother = (_, each) => each !== index && roles[each] === roles[index];
      const others = children.filter(isAnother);
      while (others.length > 0 && !children.filter(isAnother).some((each) => up.has(each))) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const child = children[index];
      const exit = once(child, 'exit');
      killedAt.set(child.pid, Date.now());
      child.kill('SIGKILL');
      await exit;
      killedAt.set(child.pid, Date.now());
      start(index);
    },
    /** Lets one stand still for a while, as a virtual machine may. */
    async suspend(index, durationMs) {
      children[index].kill('SIGSTOP');
      await new Promise((resolve) => setTimeout(resolve, durationMs));
      children[index].kill('SIGCONT');
    },
    async end() {
      isEnding = true;
      const exits = children.map((child) => once(child, 'exit'));
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(exits);
    },
  };
}

/** The notes of all processes, in the order in which they were written. */
export function readNotes(file) {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line));
}

/**
 * The runs that two coordinators had at once. One that is too slow loses the lease while it is alive:
 * then it must notice that, and not end its part as if it still had the run.
 */
export function ownedByTwo(notes, killedAt) {
  const owners = new Map();
  const replaced = new Map();
  const wrong = [];
  for (const { pid, what, runId, at } of notes) {
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

/** The attempts that began after a completion of their task had been acknowledged. */
export function begunTooLate(notes) {
  const done = new Map();
  const late = [];
  for (const { what, runId, taskId, attempt, pid, at } of notes) {
    const key = `${runId} ${taskId}`;
    if (what === 'done') done.set(key, at);
    else if (what === 'start' && done.has(key)) {
      late.push(`${key}, attempt ${attempt} in ${pid}, ${at - done.get(key)} ms after its end`);
    }
  }
  return late;
}

/** The largest number of attempts of one run at once. Those of a killed process have ended. */
export function mostAtOnce(notes, killedAt) {
  /** The process of each attempt under way. */
  const running = new Map();
  let most = 0;
  for (const { pid, what, runId, taskId, attempt, at } of notes) {
    const attempts = running.get(runId) ?? new Map();
    running.set(runId, attempts);
    const key = `${taskId} ${attempt}`;
    if (what === 'stop' && attempts.get(key) === pid) attempts.delete(key);
    if (what !== 'start') continue;
    for (const [each, owner] of attempts)
      if ((killedAt.get(owner) ?? at) < at) attempts.delete(each);
    attempts.set(key, pid);
    most = Math.max(most, attempts.size);
  }
  return most;
}
