import { schemaProblem } from '../contract/schema.js';
import type { Task } from '../contract/task.js';
import { isRecord } from '../util/record.js';
import { isModulePlan } from './module.js';

/** Deeper subtasks are not checked: the nesting of a plan from outside may be unlimited. */
const MAX_CHECKED_DEPTH = 100;

/** The fields of a task that `checkGraph` reads, without values of a wrong type. */
export function connectable(task: unknown, depth = 1): Task {
  const record = isRecord(task) ? task : {};
  const { id, type, dependencies, description, when, forEach, subtasks } = record;
  const { outputSchema, waitFor, run, tool, args, command, save, plan, with: values } = record;
  const { repeat } = record;
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return {
    id: text(id),
    dependencies: Array.isArray(dependencies) ? Array.from(dependencies, text) : [],
    // An aggregate does work of its own, so its description is a prompt.
    ...(type === 'aggregate' && { type }),
    ...(typeof description === 'string' && { description }),
    ...(outputSchema !== undefined &&
      schemaProblem(outputSchema, undefined) === undefined && {
        outputSchema: outputSchema as never,
      }),
    ...((typeof waitFor === 'string' || isRecord(waitFor)) && { waitFor: waitFor as never }),
    ...(typeof run === 'function' && { run: run as never }),
    ...((typeof tool === 'string' || isRecord(tool)) && { tool: tool as never }),
    ...(isRecord(args) && { args }),
    ...((Array.isArray(command) || isRecord(command)) && { command: command as never }),
    ...(typeof save === 'string' && { save }),
    ...(isRecord(when) && { when: when as never }),
    ...((typeof forEach === 'string' || isRecord(forEach)) && { forEach: forEach as never }),
    ...(isRecord(repeat) && { repeat: repeat as never }),
    ...(isModulePlan(plan) && { plan }),
    ...(values !== undefined && { with: values as never }),
    ...(Array.isArray(subtasks) &&
      depth < MAX_CHECKED_DEPTH && {
        subtasks: subtasks.map((each) => connectable(each, depth + 1)),
      }),
  };
}
