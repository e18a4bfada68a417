import { access, constants, stat, writeFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import type { Plan } from '@stratagem/core';
import { Document, isSeq, Scalar, visit } from 'yaml';
import { UsageError } from './exit-code.js';
import { escapeUnsafe, jsonText, UNSAFE } from './json-text.js';

const SCHEMA = './node_modules/@stratagem/core/schema/plan.schema.json';

/** Lists of names, which stand in their line. */
const IN_LINE = ['dependencies', 'tools'];

/** A plan as a plan file in YAML, with what editors need to check it. */
export function planYaml(plan: Plan): string {
  const document = new Document(plan);
  document.commentBefore = ` yaml-language-server: $schema=${SCHEMA}`;
  visit(document, {
    Pair(_, { key, value }) {
      const isList = key instanceof Scalar && IN_LINE.includes(key.value as string);
      if (isList && isSeq(value)) value.flow = true;
    },
    Scalar(_, scalar) {
      // Only in double quotes are there escapes.
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

/** The same in JSON, for files that are called so. */
function planJson(plan: Plan): string {
  return `${jsonText({ $schema: SCHEMA, ...plan })}\n`;
}

/**
 * Finds out that a plan can be written to a file before there is one, so that no answer of a model
 * is paid for in vain.
 *
 * @throws {UsageError} when it cannot.
 */
export async function checkPlanFile(file: string, force: boolean): Promise<void> {
  if (!['.yaml', '.yml', '.json'].includes(extname(file).toLowerCase())) {
    throw new UsageError(`${file}: a plan file ends in .yaml, .yml or .json`);
  }
  const there = await stat(file).catch(() => undefined);
  if (there?.isDirectory()) throw new UsageError(`${file}: is a folder`);
  if (there !== undefined && !force) throw isThere(file);
  const place = there === undefined ? dirname(file) : file;
  await access(place, constants.W_OK).catch((cause) => {
    const why = cause.code === 'ENOENT' ? 'there is no such folder' : 'permission denied';
    throw new UsageError(`${place}: cannot be written: ${why}`, { cause });
  });
}

/** @throws {UsageError} when the file has come to be there in the meantime. */
export async function writePlanFile(file: string, plan: Plan, force: boolean): Promise<void> {
  const text = extname(file).toLowerCase() === '.json' ? planJson(plan) : planYaml(plan);
  try {
    await writeFile(file, text, { flag: force ? 'w' : 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw isThere(file);
    throw cause;
  }
}

function isThere(file: string): UsageError {
  return new UsageError(`${file}: is there already; --force writes over it`);
}
