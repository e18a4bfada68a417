import { OptionError } from '@stratagem/core';
import { drawGantt } from '../gantt.js';
import { printText, title } from '../print.js';
import { runIfMain } from '../run-if-main.js';
import { GALLERY } from './gallery.js';

/** Runs a program of the gallery on the simulated model, and prints its timeline and its outputs. */
export async function main(name: string | undefined, latencyMs = 300): Promise<void> {
  const program = Object.hasOwn(GALLERY, name ?? '') ? GALLERY[name ?? ''] : undefined;
  if (program === undefined)
    throw new OptionError(`which program? There are ${Object.keys(GALLERY).join(', ')}`);
  title(`${name}: src/${program.file}`);
  const result = await program.run(latencyMs);
  console.log(drawGantt(result));
  for (const [id, output] of Object.entries(result.outputs)) {
    console.log(`\n  ${id}`);
    printText(typeof output === 'string' ? output : JSON.stringify(output), 4);
  }
  console.log(`\n  ${result.status}`);
}

await runIfMain(import.meta, () => main(process.argv[2]));
