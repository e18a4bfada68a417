import { Argument, type Command } from 'commander';
import { SHELLS, type Shell } from '../options/choices.js';
import type { Context } from './context.js';

/** Adds the commands about the command line itself. */
export function addShellCommands(program: Command, context: Context): void {
  program
    .command('completion')
    .description('print a script that completes commands and options')
    .addArgument(new Argument('<shell>', 'your shell').choices(SHELLS))
    .addHelpText(
      'after',
      `
To use it in every shell:
  bash   echo 'source <(stratagem completion bash)' >> ~/.bashrc
  zsh    echo 'source <(stratagem completion zsh)' >> ~/.zshrc
  fish   stratagem completion fish > ~/.config/fish/completions/stratagem.fish`,
    )
    .action(async (shell: Shell) => {
      const { completionCommand } = await import('../commands/completion.js');
      context.end(await completionCommand(shell, program));
    });
}
