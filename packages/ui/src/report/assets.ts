import { readFileSync } from 'node:fs';

/** The front end, bundled by the build of this package. */
export interface Assets {
  readonly script: string;
  readonly style: string;
}

let assets: Assets | undefined;

/** Read when they are first needed. The same path leads to them from the source and from the build. */
export function loadAssets(): Assets {
  const read = (name: string) =>
    readFileSync(new URL(`../../dist/web/${name}`, import.meta.url), 'utf8');
  assets ??= { script: read('app.js'), style: read('app.css') };
  return assets;
}
