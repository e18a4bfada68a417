import type { JsonSchemaType, Tool as ListedTool } from '@modelcontextprotocol/client';
import { OptionError, RunnerError, type StandardSchema, type Tool, tool } from '@stratagem/core';
import type { Connection } from './connection.js';
import { DEFAULT_MAX_RESULT_LENGTH, type McpToolOptions } from './options.js';
import { outputOf } from './output.js';
import type { LastingConnection } from './reconnect.js';

/** The characters that providers do not accept in the name of a tool. */
const INVALID_CHARACTERS = /[^A-Za-z0-9_-]/g;
/** The longest name that providers accept. */
const MAX_NAME_LENGTH = 64;

/**
 * The server's tools, as tools for tasks.
 *
 * @throws {OptionError} when a tool to include or exclude does not exist, or two get the same name.
 */
export async function toolsOf(
  connection: LastingConnection,
  options: McpToolOptions,
): Promise<Tool<StandardSchema>[]> {
  const { name } = connection.first;
  const listed = await listTools(connection.first);
  const selected = selectTools(listed, options, name);
  const names = toolNames(selected, options, name);
  const { maxResultLength = DEFAULT_MAX_RESULT_LENGTH, needsApproval = false } = options;
  const schemaOf = await schemaReader();
  return selected.map((each, position) =>
    tool({
      name: names[position] as string,
      description: each.description?.trim() || each.title || each.name,
      inputSchema: schemaOf(each.inputSchema),
      needsApproval:
        typeof needsApproval === 'object' ? needsApproval.includes(each.name) : needsApproval,
      execute: async (input, { signal }) => {
        const current = await connection.current();
        return call(current, each, { input, signal, maxResultLength }).catch(async (thrown) => {
          if (!(thrown instanceof LostSession)) throw thrown;
          // The server has not run the call, so it is safe to send it again.
          return call(await connection.renew(current), each, { input, signal, maxResultLength });
        });
      },
    }),
  );
}

async function listTools({ client, timeoutMs, toRunnerError }: Connection): Promise<ListedTool[]> {
  // For a server without tools, the SDK would print a message on standard output.
  if (client.getServerCapabilities()?.tools === undefined) return [];
  try {
    return (await client.listTools(undefined, { timeout: timeoutMs })).tools;
  } catch (thrown) {
    throw toRunnerError(thrown);
  }
}

/** The server does not know the session: it was started again, or has forgotten it. */
class LostSession extends RunnerError {}

interface Call {
  readonly input: unknown;
  readonly signal: AbortSignal;
  readonly maxResultLength: number;
}

async function call(
  { client, timeoutMs, isSessionLost, withoutSecrets, toRunnerError }: Connection,
  definition: ListedTool,
  { input, signal, maxResultLength }: Call,
): Promise<unknown> {
  const given = { name: definition.name, arguments: input as Record<string, unknown> };
  const result = await client
    .callTool(given, {
      signal,
      timeout: timeoutMs,
      // A call that reports progress goes on. The SDK asks for reports only when there is a listener.
      onprogress: () => {},
      resetTimeoutOnProgress: true,
      // Without structured content, the SDK would refuse the text of a tool that promises it.
      toolDefinition: { ...definition, outputSchema: undefined },
    })
    .catch((thrown: unknown) => {
      signal.throwIfAborted();
      const error = toRunnerError(thrown);
      throw isSessionLost(thrown) ? new LostSession(error.code, error.message) : error;
    });
  return outputOf(result, withoutSecrets, maxResultLength);
}

function selectTools(
  listed: readonly ListedTool[],
  { include, exclude = [], needsApproval }: McpToolOptions,
  server: string,
): ListedTool[] {
  const asked = typeof needsApproval === 'object' ? needsApproval : [];
  for (const name of [...(include ?? []), ...exclude, ...asked]) {
    if (listed.some((each) => each.name === name)) continue;
    const names = listed.map((each) => each.name).join(', ');
    throw new OptionError(
      `mcpTools(): "${server}" has no tool "${name}"; it has ${names || 'none'}`,
    );
  }
  return listed.filter(
    ({ name }) => (include === undefined || include.includes(name)) && !exclude.includes(name),
  );
}

function toolNames(
  tools: readonly ListedTool[],
  { prefix = '' }: McpToolOptions,
  server: string,
): string[] {
  const takenBy = new Map<string, string>();
  return tools.map(({ name: original }) => {
    const name = (prefix + original).replace(INVALID_CHARACTERS, '_').slice(0, MAX_NAME_LENGTH);
    const other = takenBy.get(name);
    if (other !== undefined) {
      throw new OptionError(
        `mcpTools(): the tools "${other}" and "${original}" of "${server}" would both be called ` +
          `"${name}"; exclude one of them`,
      );
    }
    takenBy.set(name, original);
    return name;
  });
}

/** Creates a reader for the schemas of one server, because other servers may use the same ids. */
async function schemaReader(): Promise<(schema: ListedTool['inputSchema']) => StandardSchema> {
  const { fromJsonSchema } = await import('@modelcontextprotocol/client');
  const { AjvJsonSchemaValidator } = await import('@modelcontextprotocol/client/validators/ajv');
  const validator = new AjvJsonSchemaValidator();
  return (schema) => {
    try {
      return fromJsonSchema(schema as JsonSchemaType, validator);
    } catch {
      // The validator does not know the dialect; the server checks the inputs itself.
      return unchecked(schema);
    }
  };
}

function unchecked(schema: Record<string, unknown>): StandardSchema {
  const write = () => schema;
  return {
    '~standard': {
      version: 1,
      vendor: 'stratagem',
      validate: (value) => ({ value }),
      jsonSchema: { input: write, output: write },
    },
  };
}
