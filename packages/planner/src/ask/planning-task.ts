import type { StandardSchema, Task, TaskType } from '@stratagem/core';
import type { PlannerSettings } from '../options/planner-options.js';
import { formatAnswerProblem } from '../read/answer-problem.js';
import { readPlan } from '../read/read-plan.js';
import { escapeBraces } from '../util/text.js';
import { type JsonSchema, planSchema } from './plan-schema.js';

/** What a planning task asks for. */
export interface PlanningTaskOptions {
  readonly goal: string;
  readonly prompt: string;
  readonly settings: PlannerSettings;
  /**
   * The schema of an answer that is checked elsewhere.
   * @default the schema of a whole plan, with all checks of one
   */
  readonly schema?: JsonSchema | undefined;
  /**
   * The metadata of the task.
   * @default `PlanningMetadata`
   */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** Describes the plan in the metadata of a planning task, for runners that are not models. */
interface PlanningMetadata {
  readonly goal: string;
  readonly minSubtasks: number;
  readonly maxSubtasks: number;
  readonly maxTasks: number;
  readonly taskTypes: readonly TaskType[];
}

/** The id of the task whose output is the plan. */
const PLAN_TASK_ID = 'plan';

/** The task whose output is a plan. */
export function planningTask(options: PlanningTaskOptions): Task {
  const { goal, prompt, settings, schema } = options;
  const { minSubtasks, maxSubtasks, maxTasks, taskTypes } = settings;
  const planning: PlanningMetadata = { goal, minSubtasks, maxSubtasks, maxTasks, taskTypes };
  return {
    id: PLAN_TASK_ID,
    description: escapeBraces(prompt),
    outputSchema: schema === undefined ? checkedSchema(settings) : uncheckedSchema(schema),
    metadata: options.metadata ?? { planning },
  };
}

function checkedSchema(settings: PlannerSettings): StandardSchema {
  return {
    '~standard': {
      version: 1,
      vendor: 'stratagem',
      validate(value) {
        const { tasks, problems } = readPlan(value, settings);
        if (problems.length === 0) return { value: { tasks } };
        return { issues: [{ message: problems.map(formatAnswerProblem).join('; ') }] };
      },
      jsonSchema: { output: () => ({ ...planSchema(settings) }) },
    },
  };
}

function uncheckedSchema(schema: JsonSchema): StandardSchema {
  return {
    '~standard': {
      version: 1,
      vendor: 'stratagem',
      validate: (value) => ({ value }),
      jsonSchema: { output: () => ({ ...schema }) },
    },
  };
}
