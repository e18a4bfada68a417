import { type Task, validatePlan } from '@stratagem/core';
import type { PlannerSettings } from '../options/planner-options.js';
import type { AnswerProblem } from './answer-problem.js';
import { type AnswerPath, Notes, quote } from './answer-report.js';
import { findPlan } from './find-plan.js';
import type { Json } from './find-task-list.js';
import { type Connected, connect, doesOwnWork } from './link-tasks.js';
import { type Draft, DraftReader } from './parsed-task.js';

/** What there is in a model's answer. */
export interface PlanReading {
  /** The tasks; they can be run when there are no problems. */
  readonly tasks: readonly Task[];
  /** What was mended, in plain sentences. */
  readonly repairs: readonly string[];
  readonly problems: readonly AnswerProblem[];
  /** The object of the answer that the list of tasks stood in, if it stood in one. */
  readonly around?: Json;
}

/** What a reading takes for granted. */
export interface Surroundings {
  /** Whether an id is that of a task that is there already: it may be depended on, and not taken. */
  readonly isTaken?: (id: string) => boolean;
}

/**
 * Reads a plan from what a model answered, mends what plainly means a plan, and says what is wrong
 * with the rest. Whatever the answer is, nothing of it gets into a task but its id, description,
 * type, dependencies and subtasks, tools that the caller gave, and a model that the caller allows.
 * Never throws.
 *
 * @param answer A text, or the data that a backend with structured output made of it.
 */
export function readPlan(
  answer: unknown,
  settings: PlannerSettings,
  surroundings: Surroundings = {},
): PlanReading {
  const notes = new Notes();
  const text = answerText(answer);
  const { maxAnswerLength } = settings;
  if (text === undefined) {
    notes.wrong('not_json', [], 'it is nothing that can be written as JSON');
  } else if (text.length > maxAnswerLength) {
    const message = `it has ${text.length} characters, more than the ${maxAnswerLength} that are read`;
    notes.wrong('too_long', [], message);
  } else {
    const found = findPlan(text);
    if (!('code' in found)) {
      for (const note of found.notes) notes.mended(note);
      const { around } = found;
      const reading = readTasks(found.list, settings, notes, surroundings);
      return around === undefined ? reading : { ...reading, around };
    }
    notes.wrong(found.code, [], found.message);
  }
  return { tasks: [], repairs: [], problems: notes.problems };
}

/** An answer as text: data is written as JSON, so that nothing but data is left of it. */
export function answerText(answer: unknown): string | undefined {
  if (typeof answer === 'string') return answer;
  try {
    return JSON.stringify(answer);
  } catch {
    return undefined;
  }
}

/** The tasks of a list that has been found. */
function readTasks(
  list: readonly unknown[],
  settings: PlannerSettings,
  notes: Notes,
  { isTaken = () => false }: Surroundings,
): PlanReading {
  const drafts = new DraftReader(notes, settings).readList(list, ['tasks']);
  // Nothing is gained by connecting what is not all there.
  if (notes.problems.some(({ code }) => code === 'too_many_tasks')) {
    return { tasks: [], repairs: notes.repairs, problems: notes.problems };
  }
  checkFewest(drafts, ['tasks'], settings, notes);
  const connected = connect(drafts, notes, settings.taskTypes.includes('aggregate'), isTaken);
  const tasks = drafts.map((draft) => taskOf(draft, connected, notes));
  const outside = new Set([...connected.values()].flatMap((each) => each.dependencies));
  const there = [...outside].filter(isTaken).map((id) => ({ id, description: 'There already' }));
  if (tasks.length > 0) {
    for (const { code, path, message } of validatePlan({ goal: '', tasks: [...tasks, ...there] })) {
      notes.wrong(code, path, message);
    }
  }
  return { tasks, repairs: notes.repairs, problems: notes.problems };
}

function checkFewest(
  drafts: readonly Draft[],
  path: AnswerPath,
  settings: PlannerSettings,
  notes: Notes,
): void {
  const { minSubtasks } = settings;
  if (drafts.length < minSubtasks) {
    const message = `has ${drafts.length}; it must have at least ${minSubtasks}`;
    notes.wrong('too_few_tasks', path, message);
  }
  for (const { subtasks, path: at } of drafts) {
    if (subtasks.length > 0) checkFewest(subtasks, [...at, 'subtasks'], settings, notes);
  }
}

/** The one place where tasks are made of what a model wrote: field by field, and no other. */
function taskOf(draft: Draft, connected: ReadonlyMap<Draft, Connected>, notes: Notes): Task {
  const { id, type, dependencies, description } = connected.get(draft) as Connected;
  const { tools, model, subtasks } = draft;
  const isDone = doesOwnWork(draft, type);
  if (!isDone && tools.length > 0) {
    notes.mended(`The tools of ${quote(id)} were left out: its subtasks do the work.`);
  }
  return {
    id,
    ...(description !== undefined && { description }),
    ...(type !== 'action' && { type }),
    ...(dependencies.length > 0 && { dependencies }),
    ...(isDone && tools.length > 0 && { tools }),
    ...(isDone && model !== undefined && { metadata: { model } }),
    ...(subtasks.length > 0 && {
      subtasks: subtasks.map((each) => taskOf(each, connected, notes)),
    }),
  };
}
