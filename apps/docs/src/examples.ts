import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CodeBlock, codeBlocksOf } from './markdown.js';
import { repositoryFiles, root } from './pages.js';

/** A code block of a page. */
export interface Example extends CodeBlock {
  readonly file: string;
}

/** All code blocks for readers: of the documentation, of READMEs, and of the pages around them. */
export const examples: readonly Example[] = [
  ...['{README,CONTRIBUTING}.md', 'docs/**/*.md', 'packages/{*,*/*}/README.md'],
  ...['apps/*/*.md', 'benchmarks/*.md'],
]
  .flatMap(repositoryFiles)
  .sort()
  .flatMap((file) =>
    codeBlocksOf(readFileSync(join(root, file), 'utf8')).map((block) => ({ ...block, file })),
  );

/** The blocks of a page in one language. */
export function examplesOf(file: string, language: string): Example[] {
  return examples.filter((each) => each.file === file && each.language === language);
}

export const pageNames: readonly string[] = [...new Set(examples.map(({ file }) => file))];
