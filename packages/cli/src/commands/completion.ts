import type { Command } from 'commander';
import { bashCompletion } from '../completion/bash.js';
import { programSpec } from '../completion/command-spec.js';
import { fishCompletion } from '../completion/fish.js';
import { zshCompletion } from '../completion/zsh.js';
import type { Shell } from '../options/choices.js';
import { EXIT } from '../output/exit-code.js';
import { write } from '../output/streams.js';

const COMPLETIONS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

/** `stratagem completion SHELL` */
export async function completionCommand(shell: Shell, program: Command): Promise<number> {
  await write(process.stdout, COMPLETIONS[shell](programSpec(program)));
  return EXIT.completed;
}
