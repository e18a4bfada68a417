import type { Tool } from '@stratagem/core';
import { describe } from '@stratagem/core/runner';
import * as z from 'zod';
import type { ExecutorFlags } from '../options/run-flags.js';
import { UsageError } from '../options/usage-error.js';
import { loadValue } from './load-value.js';

/** Whether a human approves calls: of all tools of the server, or of these. */
const needsApproval = z.union([z.boolean(), z.array(z.string())]).optional();
const serverSchema = z.union([
  z.strictObject({
    type: z.literal('stdio').optional(),
    command: z.string(),
    args: z.array(z.string()).optional(),
    env: z.record(z.string(), z.string()).optional(),
    cwd: z.string().optional(),
    needsApproval,
  }),
  z.strictObject({
    type: z.enum(['http', 'streamable-http']).optional(),
    url: z.string(),
    headers: z.record(z.string(), z.string()).optional(),
    needsApproval,
  }),
]);
const configSchema = z.object({ mcpServers: z.record(z.string(), serverSchema) });

/**
 * Connects to the MCP servers of a configuration file while `use` needs their tools. The file has
 * the form that editors share: `{ "mcpServers": { "files": { "command": "npx", "args": […] } } }`.
 *
 * Without a file there are no tools, and `use` receives undefined.
 *
 * @throws {UsageError} when the file cannot be read, or a connection fails.
 */
export async function withTools<Result>(
  { mcpConfig: file }: Pick<ExecutorFlags, 'mcpConfig'>,
  use: (tools: readonly Tool[] | undefined) => Promise<Result>,
): Promise<Result> {
  if (file === undefined) return use(undefined);
  const { tools, close } = await connect(file);
  try {
    return await use(tools);
  } finally {
    await close();
  }
}

/**
 * The tools, of which a human approves the calls of those that are named; `all` names every one.
 *
 * @throws {UsageError} when there is no tool of a name.
 */
export function needingApproval(
  tools: readonly Tool[],
  names: readonly string[] = [],
): readonly Tool[] {
  for (const name of names) {
    if (name === 'all' || tools.some((tool) => tool.name === name)) continue;
    const known = tools.map((tool) => tool.name).join(', ');
    throw new UsageError(
      `--approve-tools ${name}: there is no such tool; there are ${known || 'none'}`,
    );
  }
  return tools.map((tool) =>
    names.includes('all') || names.includes(tool.name) ? { ...tool, needsApproval: true } : tool,
  );
}

async function connect(file: string) {
  const servers = Object.entries(await loadConfig(file));
  const { mcpTools } = await import('@stratagem/mcp');
  const connections = await Promise.allSettled(
    servers.map(([, { type: _, ...options }]) => mcpTools(options)),
  );
  const open = connections.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
  const close = async () => {
    await Promise.allSettled(open.map((each) => each.close()));
  };
  for (const [index, connection] of connections.entries()) {
    if (connection.status === 'fulfilled') continue;
    await close();
    const name = servers[index]?.[0];
    const why = describe(connection.reason);
    throw new UsageError(`${file}: cannot connect to the MCP server "${name}": ${why}`);
  }
  return { tools: open.flatMap(({ tools }) => tools), close };
}

async function loadConfig(file: string) {
  const parsed = configSchema.safeParse(await loadValue(file));
  if (parsed.success) return parsed.data.mcpServers;
  const example = '{ "mcpServers": { "files": { "command": "npx", "args": ["…"] } } }';
  throw new UsageError(
    `${file}: not an MCP server configuration, such as ${example}\n${z.prettifyError(parsed.error)}`,
  );
}
