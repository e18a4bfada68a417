import { access, constants, stat, writeFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import type { Plan } from '@stratagem/core';
import { PLAN_SCHEMA_URL } from '@stratagem/core/document';
import { Document, isSeq, Scalar, visit } from 'yaml';
import { UsageError } from '../options/usage-error.js';
import { escapeUnsafe, jsonText, UNSAFE } from './json-text.js';

/** Lists of names are written on one line. */
const FLOW_LISTS = ['dependencies', 'tools'];

/** Formats a plan as a YAML plan file that refers editors to the schema. */
export function planYaml(plan: Plan): string {
  const document = new Document(plan);
  document.commentBefore = ` yaml-language-server: $schema=${PLAN_SCHEMA_URL}`;
  visit(document, {
    Pair(_, { key, value }) {
      const isList = key instanceof Scalar && FLOW_LISTS.includes(key.value as string);
      if (isList && isSeq(value)) value.flow = true;
    },
    Scalar(_, scalar) {
      // YAML has escapes in double quotes only.
      if (typeof scalar.value === 'string' && hasUnsafe(scalar.value)) {
        scalar.type = Scalar.QUOTE_DOUBLE;
      }
    },
  });
  return escapeUnsafe(
    document.toString({ lineWidth: 100, flowCollectionPadding: false }).replace(/^(#.*\n)\n/, '$1'),
  );
}

function hasUnsafe(text: string): boolean {
  return text.search(UNSAFE) >= 0;
}

function planJson(plan: Plan): string {
  return `${jsonText({ $schema: PLAN_SCHEMA_URL, ...plan })}\n`;
}

/**
 * Checks that a plan can be written to a file before the model is paid for making the plan.
 *
 * @param onExisting The error for a file that exists, which is not overwritten.
 * @throws {UsageError} when the file cannot be written.
 */
export async function checkPlanFile(file: string, onExisting?: UsageError): Promise<void> {
  if (!['.yaml', '.yml', '.json'].includes(extname(file).toLowerCase())) {
    throw new UsageError(`${file}: the file name must end in .yaml, .yml or .json`);
  }
  const existing = await stat(file).catch(() => undefined);
  if (existing?.isDirectory()) throw new UsageError(`${file}: is a directory`);
  if (existing !== undefined && onExisting !== undefined) throw onExisting;
  const target = existing === undefined ? dirname(file) : file;
  await access(target, constants.W_OK).catch((cause) => {
    const why = cause.code === 'ENOENT' ? 'no such directory' : 'permission denied';
    throw new UsageError(`${target}: cannot write: ${why}`, { cause });
  });
}

/** @throws {UsageError} when the file has been created in the meantime. */
export async function writePlanFile(file: string, plan: Plan, force: boolean): Promise<void> {
  const text = extname(file).toLowerCase() === '.json' ? planJson(plan) : planYaml(plan);
  try {
    await writeFile(file, text, { flag: force ? 'w' : 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw fileExists(file);
    throw cause;
  }
}

export function fileExists(file: string): UsageError {
  return new UsageError(`${file}: already exists; use --force to overwrite it`);
}
