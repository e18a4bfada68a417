// Bundles the front end: one script and one style sheet, which reports embed and the server sends.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transform } from 'lightningcss';
import { rolldown } from 'rolldown';

const root = join(import.meta.dirname, '..');
const out = join(root, 'dist/web');
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const bundle = await rolldown({
  input: join(root, 'web/main.tsx'),
  platform: 'browser',
  tsconfig: join(root, 'web/tsconfig.json'),
  transform: { jsx: { runtime: 'automatic', importSource: 'preact' }, target: 'es2022' },
});
const { output } = await bundle.generate({
  format: 'esm',
  minify: true,
  comments: { legal: false },
});
writeFileSync(join(out, 'app.js'), output[0].code);

const file = join(root, 'web/styles.css');
const { code } = transform({ filename: file, code: readFileSync(file), minify: true });
writeFileSync(join(out, 'app.css'), code);
