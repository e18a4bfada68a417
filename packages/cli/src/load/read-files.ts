import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Task } from '@stratagem/core';
import { UsageError } from '../options/usage-error.js';
import type { Settings } from '../settings/settings.js';
import type { LoadedPlan } from './load-plan.js';

/** The files of the settings, of a plan and its modules, and those that its tasks attach by a fixed path. */
export function filesRead(
  { plan, files = [], directory = '.' }: LoadedPlan,
  { file, envFile }: Settings,
): (string | undefined)[] {
  const attached = attachedPaths(plan.tasks).map((path) => resolve(directory, path));
  return [...files, file, envFile, ...attached];
}

function attachedPaths(tasks: readonly Task[]): string[] {
  return tasks.flatMap(({ attachments = [], subtasks = [], plan }) => [
    ...attachments.flatMap((each) => (typeof each === 'string' ? each : (each.path ?? []))),
    ...attachedPaths(subtasks),
    ...attachedPaths(plan?.tasks ?? []),
  ]);
}

/** @throws {UsageError} when a folder of `--allow-read` is not there: it would allow nothing. */
export async function requireFolders(folders: readonly string[] = []): Promise<void> {
  for (const folder of folders) {
    const found = await stat(folder).catch(() => undefined);
    if (!found?.isDirectory()) throw new UsageError(`--allow-read: there is no folder ${folder}`);
  }
}
