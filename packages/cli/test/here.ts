import { Readable } from 'node:stream';
import { main } from '../src/main.js';

/** How a command is run. */
export interface StratagemOptions {
  /** The content of standard input. @default '' */
  readonly stdin?: string;
  /** The whole environment besides `PATH`, so that no key of the developer is ever used. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** The exit code and the output of a command. */
export interface Printed {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command in this process, which is quicker than a process of its own. The environment, the
 * working directory and the standard streams are those of the command while it runs, so only one runs at
 * a time.
 */
export async function here(
  args: readonly string[],
  { stdin = '', env = {}, cwd }: StratagemOptions = {},
): Promise<Printed> {
  const printed = { stdout: '', stderr: '' };
  const before = { env: process.env, cwd: process.cwd() };
  const input = Object.getOwnPropertyDescriptor(process, 'stdin') as PropertyDescriptor;
  const writers = (['stdout', 'stderr'] as const).map((name) => {
    const { write } = process[name];
    process[name].write = ((text: string | Uint8Array, ...rest: unknown[]) => {
      printed[name] += typeof text === 'string' ? text : Buffer.from(text).toString('utf8');
      const done = rest.at(-1);
      if (typeof done === 'function') process.nextTick(done);
      return true;
    }) as typeof write;
    return () => {
      process[name].write = write;
    };
  });
  process.env = { PATH: process.env.PATH, ...env };
  Object.defineProperty(process, 'stdin', {
    configurable: true,
    value: Readable.from([Buffer.from(stdin)]),
  });
  if (cwd !== undefined) process.chdir(cwd);
  try {
    const exitCode = await main(args);
    return { exitCode, ...printed };
  } finally {
    process.chdir(before.cwd);
    process.env = before.env;
    Object.defineProperty(process, 'stdin', input);
    for (const restore of writers) restore();
  }
}
