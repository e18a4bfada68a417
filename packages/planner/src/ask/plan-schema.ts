import type { PlannerSettings } from '../options/planner-options.js';

export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * The JSON Schema of an answer. To suit every backend with structured output, it has no optional
 * fields, no records and no recursion. It states no limits; they are checked when an answer is read.
 */
export function planSchema(settings: PlannerSettings): JsonSchema {
  return closedObject(planProperties(settings));
}

/** The schema of an answer that also lists the failed tasks that the new tasks replace. */
export function revisionSchema(settings: PlannerSettings): JsonSchema {
  return closedObject({ ...planProperties(settings), replaces: listOfStrings() });
}

function planProperties(settings: PlannerSettings): JsonSchema {
  return { tasks: { type: 'array', items: taskSchema(settings, 1) } };
}

function taskSchema(settings: PlannerSettings, depth: number): JsonSchema {
  const { taskTypes, tools, models, maxDepth } = settings;
  const modelNames = Object.keys(models);
  return closedObject({
    id: { type: 'string' },
    description: { type: 'string' },
    type: { type: 'string', enum: taskTypes },
    dependencies: listOfStrings(),
    ...(tools.length > 0 && { tools: listOfStrings(tools.map(({ name }) => name)) }),
    ...(modelNames.length > 0 && { model: { type: 'string', enum: modelNames } }),
    ...(depth < maxDepth && {
      subtasks: { type: 'array', items: taskSchema(settings, depth + 1) },
    }),
  });
}

function listOfStrings(allowed?: readonly string[]): JsonSchema {
  return { type: 'array', items: { type: 'string', ...(allowed && { enum: allowed }) } };
}

function closedObject(properties: JsonSchema): JsonSchema {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
}
