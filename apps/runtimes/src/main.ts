// The program as a process of Bun or Deno, which get the address as an argument.
import { program } from './program.js';

const { Deno } = globalThis as { readonly Deno?: { readonly args: readonly string[] } };
const [server = ''] = Deno?.args ?? process.argv.slice(2);
console.log(JSON.stringify(await program(server)));
