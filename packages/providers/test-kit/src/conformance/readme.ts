import { readFileSync } from 'node:fs';
import { createExecutor, createPlan } from '@stratagem/core';
import { describe, expect, test } from 'vitest';
import { inOrder } from '../attempt.js';

/** A README: the options of its sections, and a program that runs. */
export interface ReadmeSubject {
  readonly file: URL;
  readonly options: Readonly<Record<string, readonly string[]>>;
  readonly program: {
    /** The section with the program; the first program of the file without it. */
    readonly section?: string | undefined;
    /** Provides the names that the program imports, and runs it. */
    run(execute: (imported: object) => Promise<unknown[]>): Promise<void>;
  };
}

/** Shared options that have a default of their own in each package. */
const OWN_DEFAULTS: readonly string[] = ['model', 'maxOutputTokens'];

/** The options of every runner, which are documented in one place. */
function sharedOptions(): string[] {
  const docs = readFileSync(new URL('../../../../../docs/providers.md', import.meta.url), 'utf8');
  return optionsIn(/\n## Options of a model\n(.*?)\n## /s.exec(docs)?.[1] ?? '');
}

function optionsIn(text: string): string[] {
  return [...text.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name as string);
}

export function readmeConformance({ file, options, program }: ReadmeSubject): void {
  const readme = readFileSync(file, 'utf8');
  const sectionOf = (title: string) =>
    new RegExp(`\n## ${title}\n(.*?)\n## `, 's').exec(readme)?.[1] ?? '';

  describe('the README', () => {
    test('has a program that runs', async () => {
      const { section } = program;
      const text = section === undefined ? readme : sectionOf(section);
      const [, source = ''] = /```ts\n(.*?)```/s.exec(text) ?? [];
      const body = source.replaceAll(/^import .*\n/gm, '');
      await program.run(async (imported) => {
        const printed: unknown[] = [];
        const names = {
          ...{ createExecutor, createPlan, parallel: () => inOrder },
          console: { log: (line: unknown) => printed.push(line) },
          ...imported,
        };
        const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
        await new AsyncFunction(...Object.keys(names), body)(...Object.values(names));
        return printed;
      });
    });

    test.each(Object.entries(options))('lists every option under "%s", once', (title, names) => {
      const documented = optionsIn(sectionOf(title));
      const shared = sharedOptions();
      const own = names.filter((name) => !shared.includes(name) || OWN_DEFAULTS.includes(name));
      expect(own).toEqual(expect.arrayContaining(documented));
      for (const name of names) expect([...documented, ...shared]).toContain(name);
    });
  });
}
