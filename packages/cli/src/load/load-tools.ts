import { describe, type Tool } from '@stratagem/core';
import * as z from 'zod';
import { UsageError } from '../output/exit-code.js';
import { parseSource } from './parse-source.js';
import { readSource } from './read-source.js';

const server = z.union([
  z.strictObject({
    type: z.literal('stdio').optional(),
    command: z.string(),
    args: z.array(z.string()).optional(),
    env: z.record(z.string(), z.string()).optional(),
    cwd: z.string().optional(),
  }),
  z.strictObject({
    type: z.enum(['http', 'streamable-http']).optional(),
    url: z.string(),
    headers: z.record(z.string(), z.string()).optional(),
  }),
]);
const configSchema = z.object({ mcpServers: z.record(z.string(), server) });

export interface LoadedTools {
  readonly tools: readonly Tool[];
  /** Ends the servers that were started. */
  readonly close: () => Promise<void>;
}

/**
 * Starts or connects to the MCP servers of a configuration file, in the form that editors and
 * assistants share: `{ "mcpServers": { "files": { "command": "npx", "args": […] } } }`.
 *
 * @throws {UsageError} when the file cannot be read, or a server cannot be reached.
 */
export async function loadTools(file: string): Promise<LoadedTools> {
  const servers = Object.entries(await readConfig(file));
  const { mcpTools } = await import('@stratagem/mcp');
  const connected = await Promise.allSettled(
    servers.map(([, { type: _, ...options }]) => mcpTools(options)),
  );
  const open = connected.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
  const close = async () => {
    await Promise.allSettled(open.map((each) => each.close()));
  };
  const failed = connected.findIndex(({ status }) => status === 'rejected');
  if (failed >= 0) {
    await close();
    const { reason } = connected[failed] as PromiseRejectedResult;
    const name = servers[failed]?.[0];
    throw new UsageError(`${file}: the MCP server "${name}" cannot be used: ${describe(reason)}`);
  }
  return { tools: open.flatMap(({ tools }) => tools), close };
}

async function readConfig(file: string) {
  const { lines, tree, problems } = parseSource(await readSource(file, file));
  const [problem] = problems ?? tree.problems;
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.offset);
    throw new UsageError(`${file}:${line}:${col}  ${problem.message}`);
  }
  const parsed = configSchema.safeParse(tree?.value);
  if (parsed.success) return parsed.data.mcpServers;
  const example = '{ "mcpServers": { "files": { "command": "npx", "args": ["…"] } } }';
  throw new UsageError(
    `${file}: is no configuration of MCP servers, such as ${example}\n${z.prettifyError(parsed.error)}`,
  );
}
