import type { AnswerReport } from './answer-report.js';
import { isUnreadable, quote } from './json-value.js';
import { MAX_ID_LENGTH, type ParsedTask } from './parsed-task.js';
import { REPAIRS } from './repairs.js';

/**
 * Gives each task its id: the written one, or one that is made from its title or position. An inner
 * task whose id is used at another level gets a new one, because models number nested lists from 1.
 *
 * @param tasks All tasks, outer ones first.
 * @param exists Whether an id belongs to a task that exists before the answer.
 */
export function assignIds(
  tasks: readonly ParsedTask[],
  report: AnswerReport,
  exists: (id: string) => boolean,
): Map<ParsedTask, string> {
  const owners = new Map<string, ParsedTask>();
  const written = new Set(tasks.map(({ writtenId }) => writtenId));
  const ids = new Map<ParsedTask, string>();
  const isUsed = (id: string) => owners.has(id) || written.has(id);
  for (const task of tasks) {
    const { writtenId, parent, siblings } = task;
    if (writtenId === undefined) report.addRepair(REPAIRS.idGenerated());
    let id = writtenId ?? generateId(task);
    const owner = owners.get(id);
    const isDuplicate =
      writtenId === undefined ? isUsed(id) : owner !== undefined && owner.siblings !== siblings;
    if (isDuplicate) {
      const prefix = parent === undefined ? '' : `${ids.get(parent)}.`;
      const prefixed = `${prefix}${id}`;
      id = isUsed(prefixed) ? `${prefixed}-${positionOf(task)}` : prefixed;
      if (writtenId !== undefined) {
        report.addRepair(REPAIRS.idRenamed(quote(writtenId), quote(id)));
      }
    }
    if (exists(id)) {
      const message = `the id ${quote(id)} is already used by another task; ids must be unique`;
      report.addProblem('duplicate_id', [...task.path, 'id'], message);
    }
    if (!owners.has(id)) owners.set(id, task);
    ids.set(task, id);
  }
  return ids;
}

function generateId(task: ParsedTask): string {
  const title = task.title?.replace(/\s+/g, ' ');
  if (title !== undefined && title.length <= MAX_ID_LENGTH && !isUnreadable(title)) return title;
  return `task-${positionOf(task)}`;
}

/** From 1. */
function positionOf(task: ParsedTask): number {
  return task.siblings.indexOf(task) + 1;
}
