import type { JsonSchemaType, Tool as ListedTool } from '@modelcontextprotocol/client';
import { OptionError, type StandardSchema, type Tool, tool } from '@stratagem/core';
import type { Connection } from './connection.js';
import type { McpToolOptions } from './options.js';
import { outputOf } from './output.js';

/** What providers take for the name of a tool, and how much of it. */
const NOT_IN_NAMES = /[^A-Za-z0-9_-]/g;
const LONGEST_NAME = 64;

/**
 * The server's tools as tasks take them.
 *
 * @throws {OptionError} when a tool to include or exclude is not there, or two get the same name.
 */
export async function toolsOf(connection: Connection, options: McpToolOptions): Promise<Tool[]> {
  const listed = await listOf(connection);
  const chosen = choose(listed, options, connection.name);
  const names = namesOf(chosen, options, connection.name);
  const schemaOf = await schemaReader();
  return chosen.map((each, position) =>
    tool({
      name: names[position] as string,
      description: each.description?.trim() || each.title || each.name,
      inputSchema: schemaOf(each.inputSchema),
      execute: (input, { signal }) => call(connection, each.name, input, signal),
    }),
  );
}

async function listOf({ client, timeoutMs, explain }: Connection): Promise<ListedTool[]> {
  // The SDK would say on standard output that there are none.
  if (client.getServerCapabilities()?.tools === undefined) return [];
  try {
    return (await client.listTools(undefined, { timeout: timeoutMs })).tools;
  } catch (thrown) {
    throw explain(thrown);
  }
}

async function call(
  { client, timeoutMs, tell, explain }: Connection,
  name: string,
  input: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  const given = { name, arguments: input as Record<string, unknown> };
  const result = await client
    .callTool(given, { signal, timeout: timeoutMs })
    .catch((thrown: unknown) => {
      signal.throwIfAborted();
      throw explain(thrown);
    });
  return outputOf(result, tell);
}

function choose(
  listed: readonly ListedTool[],
  { include, exclude = [] }: McpToolOptions,
  server: string,
): ListedTool[] {
  for (const name of [...(include ?? []), ...exclude]) {
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

function namesOf(
  tools: readonly ListedTool[],
  { prefix = '' }: McpToolOptions,
  server: string,
): string[] {
  const takenBy = new Map<string, string>();
  return tools.map(({ name: original }) => {
    const name = (prefix + original).replace(NOT_IN_NAMES, '_').slice(0, LONGEST_NAME);
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

/** Reads the JSON Schemas of one server; those of another may have the same ids. */
async function schemaReader(): Promise<(schema: ListedTool['inputSchema']) => StandardSchema> {
  const { fromJsonSchema } = await import('@modelcontextprotocol/client');
  const { AjvJsonSchemaValidator } = await import('@modelcontextprotocol/client/validators/ajv');
  const validator = new AjvJsonSchemaValidator();
  return (schema) => {
    try {
      return fromJsonSchema(schema as JsonSchemaType, validator);
    } catch {
      // Of a dialect that the validator does not know: the server checks its inputs itself.
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
