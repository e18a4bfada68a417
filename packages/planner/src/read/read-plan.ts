import { type Task, validatePlan } from '@stratagem/core';
import type { PlannerSettings } from '../options/planner-options.js';
import type { AnswerProblem } from './answer-problem.js';
import { type AnswerPath, AnswerReport } from './answer-report.js';
import { findPlan } from './find-plan.js';
import { type JsonObject, quote } from './json-value.js';
import { type Links, linkTasks } from './link-tasks.js';
import { parseTasks } from './parse-tasks.js';
import { doesOwnWork, type ParsedTask } from './parsed-task.js';
import { REPAIRS } from './repairs.js';
import type { NamedValue } from './task-fields.js';

/** The content of a model's answer. */
export interface PlanReading {
  /** A valid plan, if there are no problems. */
  readonly tasks: readonly Task[];
  /** What was repaired, in plain sentences. */
  readonly repairs: readonly string[];
  readonly problems: readonly AnswerProblem[];
  /** The object that contained the list of tasks, if any. */
  readonly around?: JsonObject | undefined;
}

/** The tasks that exist before the answer is read. */
export interface ExistingTasks {
  /** Whether an id belongs to such a task: new tasks may depend on it, but not use its id. */
  readonly isTaken?: ((id: string) => boolean) | undefined;
}

/**
 * Reads a plan from a model's answer. Repairs an answer whose meaning is clear, and reports the
 * problems of any other. Never throws.
 *
 * For any answer, a task gets only these fields: id, description, type, dependencies, subtasks,
 * tools that the caller provides, and a model that the caller allows.
 *
 * @param answer A text, or the data that a backend with structured output returned.
 */
export function readPlan(
  answer: unknown,
  settings: PlannerSettings,
  existing: ExistingTasks = {},
): PlanReading {
  const report = new AnswerReport();
  const text = answerText(answer);
  const { maxAnswerLength } = settings;
  if (text === undefined) {
    report.addProblem('not_json', [], 'the answer cannot be serialized as JSON');
  } else if (text.length > maxAnswerLength) {
    const message = `the answer has ${text.length} characters; the limit is ${maxAnswerLength}`;
    report.addProblem('too_long', [], message);
  } else {
    const toolNames = settings.tools.map(({ name }) => name);
    const found = findPlan(text, toolNames);
    if (!('code' in found)) {
      for (const repair of found.repairs) report.addRepair(repair);
      const { around, beside = [] } = found;
      const reading = readTasks(found.list, beside, settings, report, existing);
      return around === undefined ? reading : { ...reading, around };
    }
    report.addProblem(found.code, [], found.message);
  }
  return { tasks: [], repairs: [], problems: report.problems };
}

/** The answer as text. Data is serialized, which removes everything but plain JSON from it. */
export function answerText(answer: unknown): string | undefined {
  if (typeof answer === 'string') return answer;
  try {
    return JSON.stringify(answer);
  } catch {
    return undefined;
  }
}

function readTasks(
  list: readonly unknown[],
  beside: readonly NamedValue[],
  settings: PlannerSettings,
  report: AnswerReport,
  { isTaken = () => false }: ExistingTasks,
): PlanReading {
  const parsed = parseTasks(list, settings, report);
  // The list is incomplete then, so that linking it would only report follow-up problems.
  if (report.problems.some(({ code }) => code === 'too_many_tasks')) {
    return { tasks: [], repairs: report.repairs, problems: report.problems };
  }
  checkMinSubtasks(parsed, ['tasks'], settings, report);
  const mayAggregate = settings.taskTypes.includes('aggregate');
  const { maxDescriptionLength } = settings;
  const options = { report, mayAggregate, exists: isTaken, beside, maxDescriptionLength };
  const links = linkTasks(parsed, options);
  const tasks = parsed.map((task) => toTask(task, links, report));
  const used = new Set([...links.values()].flatMap(({ dependencies }) => dependencies));
  const existing = [...used].filter(isTaken).map((id) => ({ id, description: 'Exists already' }));
  if (tasks.length > 0) {
    const plan = { goal: '', tasks: [...tasks, ...existing] };
    for (const { code, path, message } of validatePlan(plan)) {
      report.addProblem(code, path, message);
    }
  }
  return { tasks, repairs: report.repairs, problems: report.problems };
}

function checkMinSubtasks(
  tasks: readonly ParsedTask[],
  path: AnswerPath,
  settings: PlannerSettings,
  report: AnswerReport,
): void {
  const { minSubtasks } = settings;
  if (tasks.length < minSubtasks) {
    const message = `must have at least ${minSubtasks} tasks; it has ${tasks.length}`;
    report.addProblem('too_few_tasks', path, message);
  }
  for (const { subtasks, path: at } of tasks) {
    if (subtasks.length > 0) checkMinSubtasks(subtasks, [...at, 'subtasks'], settings, report);
  }
}

/** The only place that builds tasks from an answer. It sets each field by name, and no others. */
function toTask(
  parsed: ParsedTask,
  links: ReadonlyMap<ParsedTask, Links>,
  report: AnswerReport,
): Task {
  const { id, type, dependencies, description } = links.get(parsed) as Links;
  const { tools, model, subtasks } = parsed;
  const hasOwnWork = doesOwnWork(parsed, type);
  if (!hasOwnWork && tools.length > 0) {
    report.addRepair(REPAIRS.toolsOfGroup(quote(id)));
  }
  return {
    id,
    ...(description !== undefined && { description }),
    ...(type !== 'action' && { type }),
    ...(dependencies.length > 0 && { dependencies }),
    ...(hasOwnWork && tools.length > 0 && { tools }),
    ...(hasOwnWork && model !== undefined && { metadata: { model } }),
    ...(subtasks.length > 0 && {
      subtasks: subtasks.map((each) => toTask(each, links, report)),
    }),
  };
}
