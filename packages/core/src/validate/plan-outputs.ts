import { PLAN_INPUTS } from '../contract/plan-inputs.js';
import { parseSource } from '../contract/template.js';
import type { Graph } from '../graph/graph.js';
import { isRecord } from '../util/record.js';
import { didYouMean } from '../util/suggest.js';
import { add, type PlanPath, type Problems, quote } from './checks.js';
import type { InputShapes } from './input-shapes.js';
import type { Missing } from './shapes.js';

/** Checks that the results of a plan come from its tasks and inputs. */
export function checkPlanOutputs(
  problems: Problems,
  graph: Graph,
  outputs: unknown,
  shapes: InputShapes,
): void {
  if (outputs === undefined) return;
  const isList = Array.isArray(outputs);
  if (!isList && !isRecord(outputs)) {
    const message = 'must name the results, like { report: write.summary }, or list ids of tasks';
    add(problems, 'invalid_value', ['outputs'], message);
    return;
  }
  const entries: [string | number, unknown][] = isList
    ? [...outputs.entries()]
    : Object.entries(outputs);
  if (entries.length === 0) {
    const message = 'must name at least one result; without it, the last tasks give the results';
    add(problems, 'invalid_value', ['outputs'], message);
  }
  for (const [name, source] of entries) {
    const path = ['outputs', name];
    if (typeof source !== 'string') {
      const message = isList
        ? 'must be the id of a task'
        : 'must be a reference, like write.summary, or a text with {{references}}';
      add(problems, 'invalid_value', path, message);
    } else if (isList) checkId(problems, graph, source, path);
    else checkSource(problems, graph, source, path, shapes);
  }
}

function checkId(problems: Problems, graph: Graph, id: string, path: PlanPath): void {
  if (graph.indexOf(id) !== undefined) return;
  add(
    problems,
    'unknown_reference',
    path,
    `there is no task ${quote(id)}.${didYouMean(id, graph.ids())}`,
  );
}

function checkSource(
  problems: Problems,
  graph: Graph,
  source: string,
  path: PlanPath,
  shapes: InputShapes,
): void {
  const isKnown = (id: string) =>
    graph.indexOf(id) !== undefined ||
    (id === PLAN_INPUTS && shapes.planInputs !== undefined) ||
    shapes.isFact(id);
  for (const part of parseSource(source, isKnown)) {
    if (typeof part === 'string') continue;
    if (part.id === undefined) {
      const name = /^[^.[]*/.exec(part.source)?.[0] ?? '';
      const message = `${quote(part.source)} is neither a task nor a part of its output.${didYouMean(name, graph.ids())}`;
      add(problems, 'unknown_reference', path, message);
      continue;
    }
    const isInput = part.id === PLAN_INPUTS && shapes.planInputs !== undefined;
    const isWhole = part.path.length === 0 && shapes.secrets.length > 0;
    if (isInput && (isWhole || shapes.secrets.includes(String(part.path[0])))) {
      add(problems, 'conflict', path, `${quote(part.source)} is secret, and results are not`);
      continue;
    }
    const found = shapes.at(part.id, part.path);
    if (!('step' in found)) continue;
    const { step, names } = found as Missing;
    const message = `${quote(part.source)}: its schema has no ${quote(String(step))} there.${didYouMean(String(step), names)}`;
    add(problems, 'unknown_reference', path, message);
  }
}
