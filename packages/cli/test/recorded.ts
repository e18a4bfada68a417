import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ChatRequest, chatServer, type Reply } from './chat-server.js';
import { folder, type StratagemOptions, start, stratagem } from './stratagem.js';

/** Two tasks, and a third one that needs both. */
export const REPORT = `goal: Market research report
tasks:
  - { id: tech, description: Analyse technology }
  - { id: finance, description: Analyse figures }
  - { id: report, description: Write the report, dependencies: [tech, finance] }
`;

interface Listed {
  readonly id: string;
  readonly status: string;
  readonly completedTasks: number;
}

/** A directory with a plan and a journal, a server, and commands that use them. */
export async function recorded(reply: (request: ChatRequest) => Reply, plan = REPORT) {
  const files = await folder({ 'plan.yaml': plan });
  const server = await chatServer(reply);
  const options: StratagemOptions = { cwd: files.path, env: { OPENAI_API_KEY: 'sk-planted-key' } };
  const inJournal = (args: readonly string[]) => [...args, '--journal', 'runs'];
  const runArgs = (args: readonly string[]) =>
    inJournal(['run', 'plan.yaml', '--runner', 'openai', '--base-url', server.url, ...args]);
  const command = (...args: string[]) => stratagem(inJournal(args), options);
  return {
    ...files,
    server,
    /** Runs the plan on the server and waits for its end. */
    run: (...args: string[]) => stratagem(runArgs(args), options),
    /** Starts the same run without waiting for its end. */
    start: (...args: string[]) => start(runArgs(args), options),
    /** Runs any other command with the journal. */
    command,
    /** Runs a command line as it was printed. */
    paste: (line: string) => stratagem(line.split(' ').slice(1), options),
    async runs(): Promise<[Listed, ...Listed[]]> {
      return JSON.parse((await command('runs', '--json')).stdout);
    },
    /** The content of all files of the journal. */
    async bytes(): Promise<string> {
      const names = await readdir(join(files.path, 'runs'));
      const all = names.map((name) => readFile(join(files.path, 'runs', name), 'latin1'));
      return (await Promise.all(all)).join('');
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}

/** The first line of each prompt that a server received. */
export function prompts({ requests }: { readonly requests: readonly ChatRequest[] }): string[] {
  return requests.map(({ prompt }) => prompt.split('\n')[0] as string);
}
