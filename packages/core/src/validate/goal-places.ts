import { type Comparison, OPERATORS } from '../contract/condition.js';
import { type GoalCriterion, subjectOf } from '../contract/goal.js';
import type { Graph } from '../graph/graph.js';
import { isRecord } from '../util/record.js';
import { didYouMean } from '../util/suggest.js';
import { add, type PlanPath, type Problems, quote } from './checks.js';
import { comparisonProblem } from './comparisons.js';
import type { InputShapes } from './input-shapes.js';
import type { Missing, Shape } from './shapes.js';

/** Checks that the criteria of a goal are about tasks of the plan, and about what their schemas know. */
export function checkGoalPlaces(
  problems: Problems,
  goal: unknown,
  graph: Graph,
  shapes: InputShapes,
): void {
  const criteria = isRecord(goal) && Array.isArray(goal.criteria) ? goal.criteria : [];
  for (const [position, criterion] of criteria.entries()) {
    const { path, count } = isRecord(criterion) ? criterion : {};
    if ((typeof path === 'string') === (typeof count === 'string')) continue; // Reported by `checkSettings`.
    const subject = subjectOf(criterion as GoalCriterion, (id) => graph.indexOf(id) !== undefined);
    const at: PlanPath = ['goalState', 'criteria', position];
    if (typeof subject === 'string') {
      const field = typeof path === 'string' ? 'path' : 'count';
      add(problems, 'unknown_reference', [...at, field], subject);
    } else if (subject.kind === 'output') {
      const found = shapes.at(subject.id, subject.path);
      if ('step' in found) reportMissing(problems, String(path), found as Missing, [...at, 'path']);
      else checkComparison(problems, criterion as Comparison, found, at);
    }
  }
}

function reportMissing(
  problems: Problems,
  path: string,
  { step, names }: Missing,
  at: PlanPath,
): void {
  const remedy = didYouMean(String(step), names);
  const message = `${quote(path)} does not exist: the schema of the output has no ${quote(String(step))} there.${remedy}`;
  add(problems, 'unknown_reference', at, message);
}

function checkComparison(
  problems: Problems,
  { operator, value }: Comparison,
  shape: Shape,
  at: PlanPath,
): void {
  if (!OPERATORS.includes(operator) || value === undefined) return; // Reported by `checkSettings`.
  const problem = comparisonProblem(operator, value, shape);
  if (problem !== undefined) add(problems, 'invalid_value', [...at, 'value'], problem);
}
