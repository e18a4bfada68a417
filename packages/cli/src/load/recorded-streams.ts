import type { Json } from '@stratagem/core';
import { loadPlanDocument, type ParsedPlan, PlanFileError } from '@stratagem/core/document';
import { findRows } from './find-rows.js';
import { ModuleFiles } from './module-files.js';

/**
 * The plan of a record whose fan-outs read files, with these files opened again. A record has their names alone.
 *
 * @param file The plan file that the run was started with: the names begin in its folder.
 * @returns undefined for a plan without such fan-outs.
 * @throws {PlanError} when the plan is incomplete, or a file cannot be read.
 */
export async function planWithStreams(
  file: string,
  plan: Json | undefined,
  allowOutside: boolean,
): Promise<ParsedPlan | undefined> {
  const names = new Set<string>();
  const value = withFiles(plan, names);
  if (names.size === 0) return undefined;
  const files = new ModuleFiles(file, allowOutside);
  const noModule = () => {
    throw new PlanFileError('is not part of the record');
  };
  return loadPlanDocument({ file, value }, noModule, async (path, from) =>
    findRows(await files.find(path, from)),
  );
}

/** The same plan, or tasks, with fan-outs as plan files write them. */
function withFiles(value: Json | undefined, names: Set<string>): Json | undefined {
  if (Array.isArray(value)) return value.map((each) => withFiles(each, names) as Json);
  if (typeof value !== 'object' || value === null) return value;
  const { tasks, subtasks, plan, forEach, ...rest } = value as { readonly [name: string]: Json };
  const fields = Object.entries({ tasks, subtasks, plan }).flatMap(([name, inner]) =>
    inner === undefined ? [] : [[name, withFiles(inner, names)]],
  );
  const { stream, ...limits } = Object(forEach) as { readonly [name: string]: Json };
  const { name } = Object(stream) as { readonly name?: Json };
  if (typeof name !== 'string') {
    return { ...rest, ...(forEach !== undefined && { forEach }), ...Object.fromEntries(fields) };
  }
  names.add(name);
  return { ...rest, forEach: { file: name, ...limits }, ...Object.fromEntries(fields) };
}
