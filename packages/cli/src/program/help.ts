import { type Command, Help, type HelpConfiguration, type Option } from 'commander';

/** How the help looks: one line for most commands and options on 80 columns. */
export const HELP: Partial<HelpConfiguration> = {
  showGlobalOptions: true,
  // That every command has options is said once, in the usage.
  subcommandTerm: (command: Command) =>
    [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' '),
  optionDescription: ({ description, argChoices, defaultValue }: Option) => {
    const [, text = description, ending = ''] =
      /^(.*?)( \(default: .*\))?$/s.exec(description) ?? [];
    const choices = argChoices === undefined ? '' : `: ${argChoices.join(', ')}`;
    const byDefault = typeof defaultValue === 'string' ? ` (default: ${defaultValue})` : '';
    return `${text}${choices}${ending}${byDefault}`;
  },
  argumentDescription: ({ description, argChoices, defaultValue }) => {
    const choices = argChoices === undefined ? '' : `: ${argChoices.join(', ')}`;
    return `${description}${choices}${defaultValue === undefined ? '' : ` (default: ${defaultValue})`}`;
  },
  styleTitle: (title: string) => (title === 'Global Options:' ? 'Settings:' : title),
  // The version is about the program, not about a command.
  visibleGlobalOptions: (command: Command) =>
    new Help().visibleGlobalOptions
      .call({ ...new Help(), showGlobalOptions: true, sortOptions: false } as Help, command)
      .filter(({ long }) => long !== '--version'),
};

function argumentTerm(argument: Command['registeredArguments'][number]): string {
  const name = argument.name() + (argument.variadic ? '...' : '');
  return argument.required ? `<${name}>` : `[${name}]`;
}

/** `help COMMAND` is `COMMAND --help`; an unknown command is an error, with the one that was meant. */
export function expandHelp(args: readonly string[], program: Command): readonly string[] {
  const [first, command, ...rest] = args;
  if (first !== 'help' || command === undefined || command.startsWith('-')) return args;
  const isKnown = program.commands.some((each) => each.name() === command);
  return isKnown ? [command, ...rest, '--help'] : [command];
}

export const EXPLANATIONS = `
Exit codes: 0 completed, 1 the plan failed, 2 usage error or invalid plan,
            130 interrupted (Ctrl-C), 143 terminated (SIGTERM)

Examples:
  stratagem init
  stratagem run plan.yaml --runner openai --max-parallel 8 --deadline 5m
  stratagem run plan.yaml --input company=Apple --input text=@notes.txt
  stratagem run --goal "Compare three databases" --runner openai
  stratagem resume 2b1acb3f --retry-failed`;

export const RUN_EXPLANATIONS = `
When a task waits for a human, stratagem asks on the terminal. Without a
terminal, use --approve, --reject or --answer. A plan that the model makes for
--goal is confirmed on the terminal; without one, use --yes.

Examples:
  stratagem run plan.yaml --runner openai --max-parallel 8 --deadline 5m
  stratagem run plan.yaml --input company=Apple --input text=@notes.txt
  stratagem run plan.yaml --journal .stratagem --reuse
  stratagem run plan.yaml --ui --report run.html
  stratagem run plan.yaml --json -o result.json`;
