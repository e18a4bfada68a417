import { checkDuration, checkOptions } from './check-options.js';
import { OptionError } from './errors.js';
import type { RunContext } from './run-context.js';
import { isStandardSchema, type SchemaOutput, type StandardSchema } from './schema.js';

/** Something that a model may call while it works on a task. */
export interface Tool<Schema extends StandardSchema = StandardSchema> {
  /** Letters, digits, `_` and `-`, 64 at most: what every provider accepts. */
  readonly name: string;
  /** Tells the model what it does and when to call it. */
  readonly description: string;
  /** What it must be given; the model's input is validated before `execute` sees it. */
  readonly inputSchema: Schema;
  /**
   * Does the work. What it returns, text or anything JSON can hold, is shown to the model; so is
   * the message of what it throws, and the model goes on.
   */
  // biome-ignore lint/suspicious/noExplicitAny: tool() types each function; here any input fits
  readonly execute: (input: any, context: ToolContext) => unknown;
  /** The longest one call may take, in milliseconds; then the model is told so. */
  readonly timeoutMs?: number;
}

/** What surrounds one call of a tool: the attempt, and which call it is. */
export interface ToolContext extends RunContext {
  readonly callId: string;
}

/** A tool as a runner sees it: its schema as data, and its call written to the log. */
export interface RequestTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  /**
   * Validates the input, runs the tool, and writes the call and its result to the log. What goes
   * wrong in it is an answer for the model and no error of the attempt.
   *
   * Rejects only with `aborted`, when the attempt is over.
   *
   * @param input What the model gave; a text is read as JSON.
   * @param callId The model's own id of the call.
   * @param signal Ends the call ahead of the attempt.
   */
  readonly call: (input: unknown, callId?: string, signal?: AbortSignal) => Promise<ToolResult>;
}

/** What came of a call; `text` is what to tell the model. */
export type ToolResult =
  | { readonly ok: true; readonly output: unknown; readonly text: string }
  | { readonly ok: false; readonly message: string; readonly text: string };

/**
 * A tool for the model that works on a task, with the type of its input taken from its schema.
 *
 * @throws {OptionError} when it is not complete.
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

/** What is wrong with a tool. */
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
