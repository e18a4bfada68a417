import type { OptionSpec, ProgramSpec, Values } from './command-spec.js';

/** The completion of fish. It starts no program. */
export function fishCompletion({ name, options, commands }: ProgramSpec): string {
  const start = `complete -c ${name}`;
  const none = `-n __fish_use_subcommand`;
  const lines = [
    `# fish completion for ${name}. To use it in every shell:`,
    `#   ${name} completion fish > ~/.config/fish/completions/${name}.fish`,
    '',
    `${start} -f`,
    ...options.map((option) => `${start} ${flags(option)}`),
    ...commands.map(
      (command) => `${start} ${none} -a ${command.name} -d ${quoted(command.description)}`,
    ),
    ...commands.flatMap((command) => {
      const within = `${start} -n '__fish_seen_subcommand_from ${command.name}'`;
      const shared = options.map(({ long }) => long);
      return [
        ...command.options
          .filter(({ long }) => !shared.includes(long))
          .map((option) => `${within} ${flags(option)}`),
        ...command.argument.slice(0, 1).flatMap(({ values }) => {
          const what = argument(values);
          return what === undefined ? [] : [`${within} ${what}`];
        }),
      ];
    }),
  ];
  return `${lines.join('\n')}\n`;
}

function flags({ short, long, description, values }: OptionSpec): string {
  const names = [...(short === undefined ? [] : [`-s ${short.slice(1)}`]), `-l ${long.slice(2)}`];
  const value = values === undefined ? [] : [parameters(values)];
  return [...names, ...value, `-d ${quoted(description)}`].join(' ');
}

function parameters(values: Values): string {
  switch (values.kind) {
    case 'words':
      return `-x -a ${quoted(values.words.join(' '))}`;
    case 'files':
      return '-r -F';
    case 'folders':
      return "-x -a '(__fish_complete_directories)'";
    default:
      return '-x';
  }
}

function argument(values: Values): string | undefined {
  if (values.kind === 'files') return '-F';
  return values.kind === 'words' ? `-a ${quoted(values.words.join(' '))}` : undefined;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
