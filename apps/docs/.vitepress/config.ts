import { existsSync, globSync, readFileSync, watch } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { writeLlmsTexts } from '../src/llms.js';
import { anchorOf } from '../src/markdown.js';
import { PAGES, root } from '../src/pages.js';
import { sidebar } from '../src/sidebar.js';
import { stage, stagePage } from '../src/stage.js';
import { labelTables } from '../src/table-labels.js';

const site = fileURLToPath(new URL('../site', import.meta.url));
stage(site);
const titles = new Map(
  globSync('**/*.md', { cwd: site }).map((file) => {
    const [, title = file] = /^# (.+)$/m.exec(readFileSync(join(site, file), 'utf8')) ?? [];
    return [file.split(sep).join('/'), title.replaceAll('`', '')];
  }),
);

/** Three bars of a run over time. In the page itself, as browsers ask for a file otherwise. */
const ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="#3f6be0">' +
    '<rect x="1" y="2" width="8" height="3" rx="1"/><rect x="5" y="6.5" width="9" height="3" rx="1"/>' +
    '<rect x="9" y="11" width="6" height="3" rx="1"/></svg>',
)}`;

function boostDocument(page: string): number {
  if (page.startsWith('/api/')) return 0.2;
  return page.startsWith('/reference/') ? 0.5 : 1;
}

export default defineConfig({
  title: 'Stratagem',
  description: 'Runs plans of LLM tasks in TypeScript and JavaScript.',
  lang: 'en',
  srcDir: 'site',
  cleanUrls: true,
  lastUpdated: false,
  head: [
    ['meta', { name: 'color-scheme', content: 'light dark' }],
    ['link', { rel: 'icon', href: ICON }],
  ],
  markdown: {
    // With more contrast than the default themes.
    theme: { light: 'github-light-default', dark: 'github-dark-default' },
    anchor: { slugify: anchorOf },
    config(md) {
      md.core.ruler.push('table-labels', ({ tokens }) => labelTables(tokens));
      // Vue would evaluate double braces.
      const { code_inline: code, text } = md.renderer.rules;
      md.renderer.rules.code_inline = (tokens, index, ...rest) => {
        tokens[index]?.attrSet('v-pre', '');
        return code?.(tokens, index, ...rest) ?? '';
      };
      md.renderer.rules.text = (...given) =>
        (text?.(...given) ?? '').replaceAll('{{', '&#123;&#123;');
    },
  },
  themeConfig: {
    search: {
      provider: 'local',
      options: {
        miniSearch: {
          // Guides come before references, which have most of the headings.
          searchOptions: { boostDocument },
        },
      },
    },
    nav: [
      { text: 'First hour', link: '/first-hour' },
      { text: 'Guides', link: '/guides/data-collection' },
      { text: 'Reference', link: '/reference/executor' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: sidebar(titles),
    outline: [2, 3],
    footer: { message: 'MIT licensed.' },
    docFooter: { prev: 'Before', next: 'Next' },
  },
  buildEnd: ({ outDir }) => writeLlmsTexts(site, outDir, sidebar(titles)),
  vite: {
    plugins: [
      {
        name: 'stratagem-docs-stage',
        configureServer() {
          watch(root, { recursive: true }, (_, name) => {
            const file = name === null ? '' : relative(root, join(root, name)).split(sep).join('/');
            if (PAGES.has(file) && existsSync(join(root, file))) stagePage(site, file);
          });
        },
      },
    ],
  },
});
