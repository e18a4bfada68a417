import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { timelineSvg } from '@stratagem/ui';
import { runIfMain } from '../run-if-main.js';
import { GALLERY } from './gallery.js';

/** Writes the picture of a run of each program of the gallery, in light and dark, into a folder. */
export async function main(folder: string | undefined): Promise<void> {
  if (folder === undefined) throw new Error('the folder for the pictures is missing');
  for (const [name, { run }] of Object.entries(GALLERY)) {
    const result = await run(300);
    for (const theme of ['light', 'dark'] as const) {
      const picture = timelineSvg(result, { theme, width: 900 });
      await writeFile(join(folder, `${name}-${theme}.svg`), picture);
    }
    console.log(name, result.status);
  }
}

await runIfMain(import.meta, () => main(process.argv[2]));
