import { checkDuration, checkOptions } from './check-options.js';
import { OptionError } from './errors.js';
import type { RunContext } from './run-context.js';
import { isStandardSchema, type SchemaOutput, type StandardSchema } from './schema.js';

/** A function that a model may call for a task. */
export interface Tool<Schema extends StandardSchema = StandardSchema> {
  /** At most 64 letters, digits, `_` and `-`: every provider accepts these. */
  readonly name: string;
  /** Tells the model what it does and when to call it. */
  readonly description: string;
  /** The schema of the input, which is validated before `execute` is called. */
  readonly inputSchema: Schema;
  /**
   * Runs the tool. The model gets the returned text or JSON value. If it throws, the model gets the
   * message, and the attempt continues.
   */
  // biome-ignore lint/suspicious/noExplicitAny: tool() types each function; here any input fits
  readonly execute: (input: any, context: ToolContext) => unknown;
  /** Timeout of one call in milliseconds; the model gets a message then. */
  readonly timeoutMs?: number | undefined;
}

/** The context of one call of a tool: that of the attempt, and the id of the call. */
export interface ToolContext extends RunContext {
  readonly callId: string;
}

/** A tool as a runner sees it: with a JSON Schema, and with calls that are logged. */
export interface RequestTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  /**
   * Validates the input, runs the tool, and logs the call and its result. An error of the tool is a
   * result for the model and does not fail the attempt.
   *
   * Rejects only with `aborted`, when the attempt is over.
   *
   * @param input The input of the model; a string is parsed as JSON.
   * @param callId The model's own id of the call.
   * @param signal Aborts the call before the end of the attempt.
   */
  readonly call: (input: unknown, callId?: string, signal?: AbortSignal) => Promise<ToolResult>;
}

/** The result of a call; `text` is for the model. */
export type ToolResult =
  | { readonly ok: true; readonly output: unknown; readonly text: string }
  | { readonly ok: false; readonly message: string; readonly text: string };

/**
 * Defines a tool; its schema determines the type of its input.
 *
 * @throws {OptionError} when a field is missing or invalid.
 *
 * @example
 * const weather = tool({
 *   name: 'weather',
 *   description: 'The weather in a city, now.',
 *   inputSchema: z.object({ city: z.string() }),
 *   execute: ({ city }, { signal }) => fetchWeather(city, signal),
 * });
 * createPlan('Pack').addTask({ id: 'list', description: 'What to pack for Lisbon?', tools: [weather] });
 */
export function tool<Schema extends StandardSchema>(
  definition: Omit<Tool<Schema>, 'execute'> & {
    readonly execute: (input: SchemaOutput<Schema>, context: ToolContext) => unknown;
  },
): Tool<Schema> {
  checkOptions('tool()', definition, TOOL_FIELDS);
  const problem = toolProblem(definition);
  if (problem !== undefined) throw new OptionError(`tool(): ${problem}`);
  if (definition.timeoutMs !== undefined) {
    checkDuration('tool()', 'timeoutMs', definition.timeoutMs);
  }
  return definition;
}

const TOOL_FIELDS = ['name', 'description', 'inputSchema', 'execute', 'timeoutMs'];
export const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** The problem of an invalid tool, as a message. */
export function toolProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) {
    return 'a tool is made by tool({ name, description, inputSchema, execute })';
  }
  const { name, description, inputSchema, execute } = value as Partial<Tool>;
  if (typeof name !== 'string' || !TOOL_NAME.test(name)) {
    return 'name must have letters, digits, _ and - only, and 64 at most';
  }
  if (typeof description !== 'string' || description.trim() === '') {
    return `the description of "${name}" must tell the model what the tool does`;
  }
  if (!isStandardSchema(inputSchema)) {
    return `inputSchema of "${name}" must be a schema of a Standard Schema library, such as zod`;
  }
  if (typeof execute !== 'function') return `execute of "${name}" must be a function`;
  return undefined;
}
