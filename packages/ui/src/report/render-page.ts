import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { OptionError } from '@stratagem/core';
import { loadAssets } from './assets.js';
import type { EmbeddedRun } from './embedded-run.js';

/** A page with runs inside it, which needs nothing else. */
export function renderPage(runs: readonly EmbeddedRun[]): string {
  const { script, style } = loadAssets();
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    // Made by the page itself: its icon, and pictures on their way to a file.
    'img-src data: blob:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const title = escapeHtml(
    runs
      .map(({ model }) => model.goal)
      .join(' · ')
      .slice(0, 200),
  );
  return [
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta name="referrer" content="no-referrer">',
    `<title>${title} – Stratagem</title><style>${style}</style></head>`,
    '<body><div id="app"></div>',
    '<noscript>This report needs JavaScript. It loads nothing from the network.</noscript>',
    ...runs.map((run) => `<script type="application/x-run">${pack(run)}</script>`),
    `<script type="module">${script}</script></body></html>\n`,
  ].join('');
}

/** Base64 has no letter that could end an element. */
function pack(run: EmbeddedRun): string {
  return gzipSync(JSON.stringify(run), { level: 9 }).toString('base64');
}

function hashOf(text: string): string {
  // It is inlined as it is: what ends the element would also break the page.
  if (/<\/(?:script|style)|<!--/i.test(text)) {
    throw new OptionError('the front end cannot be embedded: its code would end its own element');
  }
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
