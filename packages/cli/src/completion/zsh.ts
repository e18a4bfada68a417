import type { CommandSpec, OptionSpec, ProgramSpec, Values } from './command-spec.js';

/** The completion of zsh. It starts no program. */
export function zshCompletion({ name, options, commands }: ProgramSpec): string {
  const list = commands
    .map((command) => `    '${escaped(command.name)}:${quoted(command.description)}'`)
    .join('\n');
  return `#compdef ${name}
# zsh completion for ${name}. To use it in every shell:
#   echo 'source <(${name} completion zsh)' >> ~/.zshrc

_${name}() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands
  commands=(
${list}
  )
  _arguments -C \\
${options.map((option) => `    ${argumentOf(option)} \\`).join('\n')}
    '1:command:->command' \\
    '*::argument:->argument'
  case $state in
    command) _describe -t commands command commands ;;
    argument)
      case $words[1] in
${commands.map((command) => caseOf(command, options)).join('\n')}
      esac
      ;;
  esac
}

if [ "$funcstack[1]" = "_${name}" ]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}

function caseOf({ name, options, argument }: CommandSpec, shared: readonly OptionSpec[]): string {
  const all = [
    ...options,
    ...shared.filter(({ long }) => long !== '--help' && long !== '--version'),
  ];
  const lines = [
    ...all.map(argumentOf),
    ...argument.map((each, position) => {
      const place = position === argument.length - 1 ? '*' : `${position + 1}`;
      return `'${place}:${escaped(each.name)}:${action(each.values)}'`;
    }),
  ];
  return `        ${name})
          _arguments \\
${lines.map((line) => `            ${line}`).join(' \\\n')}
          ;;`;
}

/** `'*--output=[write the result]:file:_files'` */
function argumentOf({ short, long, description, values, placeholder }: OptionSpec): string {
  const text = `[${quoted(description).replace(/[[\]]/g, '\\$&')}]`;
  const value = values === undefined ? '' : `:${escaped(placeholder ?? '')}:${action(values)}`;
  const mark = values === undefined ? '' : '=';
  if (short === undefined) return `'*${long}${mark}${text}${value}'`;
  return `'*'{${short}${values === undefined ? '' : '+'},${long}${mark}}'${text}${value}'`;
}

function action(values: Values): string {
  switch (values.kind) {
    case 'words':
      return `(${values.words.join(' ')})`;
    case 'files':
      return '_files';
    case 'folders':
      return '_files -/';
    default:
      return ' ';
  }
}

/** Text within single quotes. */
function quoted(text: string): string {
  return text.replaceAll("'", "'\\''");
}

/** Text in which a colon has no meaning. */
function escaped(text: string): string {
  return quoted(text).replaceAll(':', '\\:');
}
