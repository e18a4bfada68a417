import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Millions, SHAPES, writeModel } from './model.js';

/** A server with a random model, in a process of its own. */
export interface RealServer {
  readonly url: string;
  readonly parameters: number;
  close(): Promise<void>;
}

type Reply = { readonly port: number } | { readonly problem: string; readonly name: string };

/**
 * Writes the model into a temporary directory and starts the server.
 *
 * @returns why there is no engine on this machine, as a text, where the prebuilt binary is missing.
 * @throws when the engine does not load the model.
 */
export async function startServer(
  millions: Millions,
  threads: number,
): Promise<RealServer | string> {
  const directory = await mkdtemp(join(tmpdir(), 'stratagem-real-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    const file = join(directory, 'random.gguf');
    const parameters = writeModel(file, SHAPES[millions]);
    const child = fork(new URL('./server-child.js', import.meta.url), [file, String(threads)]);
    const reply = await replyOf(child);
    if ('port' in reply) {
      const close = async () => {
        const exited = once(child, 'exit');
        child.disconnect();
        await exited;
        await remove();
      };
      return { url: `http://127.0.0.1:${reply.port}/v1`, parameters, close };
    }
    await remove();
    if (reply.name === 'NoBinaryFoundError' || /Cannot find package/.test(reply.problem)) {
      return reply.problem;
    }
    throw new Error(`the engine did not start: ${reply.problem}`);
  } catch (error) {
    await remove();
    throw error;
  }
}

async function replyOf(child: ChildProcess): Promise<Reply> {
  const stopped = new AbortController();
  const { signal } = stopped;
  const exited = once(child, 'exit', { signal }).then(([code, by]) => {
    throw new Error(`the process of the engine ended with ${code ?? by}`);
  });
  try {
    const [reply] = await Promise.race([once(child, 'message', { signal }), exited]);
    return reply as Reply;
  } finally {
    exited.catch(() => {});
    stopped.abort();
  }
}
