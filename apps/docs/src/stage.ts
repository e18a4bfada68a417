import { copyFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { replaceLinks } from './markdown.js';
import { PAGES, repositoryFiles, root, siteLink } from './pages.js';

/** Writes the pages of the site into a folder, with links that lead to where they are there. */
export function stage(folder: string): void {
  for (const old of globSync('*', { cwd: folder }).filter((name) => name !== 'api')) {
    rmSync(join(folder, old), { recursive: true });
  }
  for (const file of PAGES.keys()) stagePage(folder, file);
  for (const picture of repositoryFiles('docs/**/*.{svg,webp,png}')) {
    const to = join(folder, picture.slice('docs/'.length));
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(join(root, picture), to);
  }
}

/** Writes one page of the site. */
export function stagePage(folder: string, file: string): void {
  const to = join(folder, PAGES.get(file) as string);
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, sitePage(file, readFileSync(join(root, file), 'utf8')));
}

function sitePage(file: string, page: string): string {
  const linked = replaceLinks(page, (target) => siteLink(file, target));
  return switchPictures(linked.replace(CONTENTS, ''));
}

/** A table of contents at the top: the site has one of its own. */
const CONTENTS = /\n(?:- \[[^\]\n]+\]\(#[^)\n]+\)\n){4,}/;

const PICTURE =
  /<picture>\s*<source media="\(prefers-color-scheme: dark\)" srcset="([^"]+)">\s*<img src="([^"]+)" alt="([^"]*)">\s*<\/picture>/g;

/** The site has a switch for light and dark; `<picture>` would follow the system. */
function switchPictures(page: string): string {
  return page.replaceAll(
    PICTURE,
    (_, dark, light, alt) =>
      `<img class="light-only" src="${light}" alt="${alt}"><img class="dark-only" src="${dark}" alt="${alt}">`,
  );
}
