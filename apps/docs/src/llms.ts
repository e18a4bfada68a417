import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Section } from './sidebar.js';

/** Writes `llms.txt`, the list of pages for models, and `llms-full.txt` with all of their texts. */
export function writeLlmsTexts(site: string, out: string, sections: readonly Section[]): void {
  const head = `# Stratagem

> Runs plans of LLM tasks in TypeScript and JavaScript: a graph of tasks, limits that are kept, runs that survive a crash.
`;
  const lists = sections.map(({ text, items }) => {
    const lines = items.map(
      (each) => `- [${each.text}](${each.link}): ${summaryOf(site, each.link)}`,
    );
    return `## ${text}\n\n${lines.join('\n')}\n`;
  });
  writeFileSync(join(out, 'llms.txt'), [head, ...lists].join('\n'));
  const pages = sections
    .filter(({ text }) => text !== 'This repository')
    .flatMap(({ items }) => items)
    .filter(({ link }) => !link.startsWith('/api'))
    .map(({ link }) => `<!-- ${link} -->\n\n${textOf(site, link)}`);
  writeFileSync(join(out, 'llms-full.txt'), [head, ...pages].join('\n\n'));
}

function textOf(site: string, link: string): string {
  const file = link.endsWith('/') ? `${link}index.md` : `${link}.md`;
  return readFileSync(join(site, file), 'utf8').replaceAll(/<!--[\s\S]*?-->\n*/g, '');
}

/** The first sentence of a page. */
function summaryOf(site: string, link: string): string {
  const paragraph = textOf(site, link)
    .split(/\n\n+/)
    .find((part) => /^[A-Z`[]/.test(part) && !part.startsWith('```'));
  const [sentence = ''] = /^.+?[.:?](?=\s|$)/s.exec((paragraph ?? '').replaceAll('\n', ' ')) ?? [];
  return sentence.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/:$/, '.');
}
