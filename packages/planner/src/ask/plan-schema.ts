import type { PlannerSettings } from '../options/planner-options.js';

type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * What an answer must look like, as JSON Schema that every backend with structured output takes: no
 * optional fields, no records, no recursion. Limits are not in it; they are checked when an answer
 * is read.
 */
export function planSchema(settings: PlannerSettings): JsonSchema {
  return closedObject({ tasks: { type: 'array', items: taskSchema(settings, 1) } });
}

function taskSchema(settings: PlannerSettings, depth: number): JsonSchema {
  const { taskTypes, tools, models, maxDepth } = settings;
  const modelNames = Object.keys(models);
  const texts = (enumerated?: readonly string[]) => ({
    type: 'array',
    items: { type: 'string', ...(enumerated && { enum: enumerated }) },
  });
  return closedObject({
    id: { type: 'string' },
    description: { type: 'string' },
    type: { type: 'string', enum: taskTypes },
    dependencies: texts(),
    ...(tools.length > 0 && { tools: texts(tools.map(({ name }) => name)) }),
    ...(modelNames.length > 0 && { model: { type: 'string', enum: modelNames } }),
    ...(depth < maxDepth && {
      subtasks: { type: 'array', items: taskSchema(settings, depth + 1) },
    }),
  });
}

function closedObject(properties: JsonSchema): JsonSchema {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
}
