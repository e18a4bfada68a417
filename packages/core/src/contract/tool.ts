import { checkDuration, checkOptions } from './check-options.js';
import { OptionError } from './errors.js';
import type { Tool, ToolContext } from './task.js';

export type { RequestTool, Tool, ToolContext, ToolResult } from './task.js';

import {
  type AnySchema,
  allowsOnlyObjects,
  jsonSchemaOf,
  type SchemaOutput,
  schemaProblem,
} from './schema.js';

/** The result of a call that an attempt made before it was started again after a crash. */
export interface RecordedToolResult {
  /** Names the call within its attempt. */
  readonly key: string;
  readonly ok: boolean;
  readonly output?: unknown | undefined;
  readonly message?: string | undefined;
}

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
export function tool<Schema extends AnySchema, Output = unknown>(
  definition: Omit<Tool<Schema>, 'execute' | 'reusable' | 'needsApproval'> & {
    readonly execute: (
      input: SchemaOutput<Schema>,
      context: ToolContext,
    ) => Output | PromiseLike<Output>;
    readonly reusable?: boolean | ((input: SchemaOutput<Schema>) => boolean) | undefined;
    readonly needsApproval?:
      | boolean
      | ((input: SchemaOutput<Schema>) => boolean | Promise<boolean>)
      | undefined;
  },
): Tool<Schema, Output> {
  checkOptions('tool()', definition, TOOL_FIELDS);
  const problem = toolProblem(definition) ?? rootProblem(definition);
  if (problem !== undefined) throw new OptionError(`tool(): ${problem}`);
  if (definition.timeoutMs !== undefined) {
    checkDuration('tool()', 'timeoutMs', definition.timeoutMs);
  }
  const { reusable } = definition;
  if (reusable !== undefined && !['boolean', 'function'].includes(typeof reusable)) {
    throw new OptionError('tool(): reusable must be true, false, or a function of the input');
  }
  const { needsApproval, approvalTimeoutMs } = definition;
  if (!['undefined', 'boolean', 'function'].includes(typeof needsApproval)) {
    throw new OptionError('tool(): needsApproval must be true, false or a function of the input');
  }
  if (approvalTimeoutMs !== undefined) {
    checkDuration('tool()', 'approvalTimeoutMs', approvalTimeoutMs);
  }
  return definition;
}

/** The problem of a tool whose input is not an object: models pass named arguments. */
function rootProblem({ name, inputSchema }: Pick<Tool, 'name' | 'inputSchema'>) {
  return allowsOnlyObjects(jsonSchemaOf(inputSchema, 'input') ?? {})
    ? undefined
    : `inputSchema of "${name}" must be a schema of an object, or of several; the root is another type`;
}

const TOOL_FIELDS = [
  'name',
  'description',
  'inputSchema',
  'execute',
  'timeoutMs',
  'reusable',
  'needsApproval',
  'approvalTimeoutMs',
];
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
  const problem = schemaProblem(inputSchema, 'input');
  if (problem !== undefined) return `inputSchema of "${name}" ${problem}`;
  if (typeof execute !== 'function') return `execute of "${name}" must be a function`;
  return undefined;
}
