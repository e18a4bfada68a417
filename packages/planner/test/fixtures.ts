import { readdirSync, readFileSync } from 'node:fs';
import type { PlannerOptions } from '../src/index.js';

/** An answer of a model, and the expected result of reading it. */
export interface Fixture {
  readonly name: string;
  readonly answer: string;
  readonly options: PlannerOptions;
  readonly plan?: readonly unknown[];
  readonly repairs: readonly string[];
  readonly sentBack?: readonly string[];
}

const folder = new URL('./answers/', import.meta.url);
export const fixtureFiles = readdirSync(folder).filter((name) => name.endsWith('.txt'));

/** A file holds many fixtures. Each has its name, the answer and the expectations. */
export function fixturesIn(file: string): Fixture[] {
  const text = readFileSync(new URL(file, folder), 'utf8');
  const [, ...sections] = text.split(/^=== /m);
  return sections.map((section) => {
    const end = section.indexOf('\n');
    const [answer = '', ...expected] = section.slice(end + 1).split(/^--- /m);
    const parts = new Map(
      expected.map((part) => {
        const [title = '', ...lines] = part.trimEnd().split('\n');
        return [title, lines];
      }),
    );
    const json = (title: string) => JSON.parse(parts.get(title)?.join('\n') ?? 'null');
    return {
      name: section.slice(0, end),
      answer: answer.replace(/\n$/, ''),
      options: json('options') ?? {},
      repairs: parts.get('repairs') ?? [],
      ...(parts.has('plan') && { plan: json('plan') }),
      ...(parts.has('sent back') && { sentBack: parts.get('sent back') }),
    };
  });
}
