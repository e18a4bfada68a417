import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Received, Reply } from './server.js';

/** A server with faults, and its counts. */
export interface Chaos {
  readonly reply: Reply;
  /** Counts of proper answers, by the name of the request. */
  readonly answered: Map<string, number>;
  /** Counts of faults, by their names. */
  readonly served: Map<string, number>;
}

/**
 * A server that answers a share of its requests with faults, one kind after the other, and the
 * others properly. The same sequence of requests gets the same sequence of faults.
 *
 * @param share From 0 to 1.
 * @param nameOf The name that the answers to a request are counted by.
 */
export function chaosOf(
  faults: Readonly<Record<string, Reply>>,
  share: number,
  answer: Reply,
  nameOf: (received: Received) => string,
): Chaos {
  const kinds = Object.entries(faults);
  const answered = new Map<string, number>();
  const served = new Map<string, number>();
  const count = (counts: Map<string, number>, name: string) =>
    counts.set(name, (counts.get(name) ?? 0) + 1);
  let requests = 0;
  let failures = 0;
  return {
    answered,
    served,
    reply(response, received) {
      // A multiplicative sequence spreads the faults evenly, without a period.
      const isFault = (++requests * 0.618_033_988_7) % 1 < share;
      const [name, fault] = kinds[failures % kinds.length] ?? ['', answer];
      if (isFault) {
        failures++;
        count(served, name);
        fault(response, received);
      } else {
        count(answered, nameOf(received));
        answer(response, received);
      }
    },
  };
}

/** The result of a plan that ran in a separate process. */
export interface ChildRun {
  /** Null when the process was killed because it did not end. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a plan of independent tasks in a separate process. The process must end by itself: an open
 * handle would keep it alive, and an unhandled rejection would end it with an error.
 *
 * @param factory The module and the name of the function that creates the runner.
 */
export function runInChild(
  factory: { readonly module: string; readonly name: string },
  options: object,
  tasks: number,
): Promise<ChildRun> {
  const script = fileURLToPath(new URL('../scripts/run-plan.mjs', import.meta.url));
  const given = [factory.module, factory.name, JSON.stringify(options), String(tasks)];
  const child = spawn(process.execPath, [script, ...given], { stdio: ['ignore', 'pipe', 'pipe'] });
  const read = (stream: typeof child.stdout) => {
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    return () => text;
  };
  const [stdout, stderr] = [read(child.stdout), read(child.stderr)];
  const timer = setTimeout(() => child.kill('SIGKILL'), 280_000);
  return new Promise((resolve) => {
    child.on('close', (exitCode) => {
      clearTimeout(timer);
      resolve({ exitCode, stdout: stdout(), stderr: stderr() });
    });
  });
}
