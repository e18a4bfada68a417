import type { OptionSpec, ProgramSpec, Values } from './command-spec.js';

/** The completion of bash 3.2 and later. It needs no other file, and starts no program. */
export function bashCompletion({ name, options, commands }: ProgramSpec): string {
  const flagsOf = (list: readonly OptionSpec[]) =>
    [...list, ...options].flatMap(({ short, long }) =>
      short === undefined ? long : [short, long],
    );
  const valued = options.filter(({ values }) => values !== undefined);
  const ofOptions = [
    ...valued.map((option) => valueCase('*', option)),
    ...commands.flatMap((command) =>
      command.options
        .filter(({ values }) => values !== undefined)
        .map((option) => valueCase(command.name, option)),
    ),
  ];
  return `# bash completion for ${name}. To use it in every shell:
#   echo 'source <(${name} completion bash)' >> ~/.bashrc

_${name}_words() {
  local IFS=$' \\t\\n'
  COMPREPLY=($(compgen -W "$1" -- "$2"))
}

_${name}_paths() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen "$1" -- "$2"))
}

_${name}() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" command='' i
  COMPREPLY=()
  # --option=value is three words here.
  if [[ $cur == = ]]; then
    cur=''
  elif [[ $prev == = ]]; then
    prev="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      ${valued.map(({ long }) => long).join(' | ')}) ((i++)) ;;
      -* | =) ;;
      *)
        command="\${COMP_WORDS[i]}"
        break
        ;;
    esac
  done
  case "$command $prev" in
${ofOptions.join('\n')}
  esac
  if [[ -z $command ]]; then
    if [[ $cur == -* ]]; then
      _${name}_words '${flagsOf([]).join(' ')}' "$cur"
    else
      _${name}_words '${commands.map((command) => command.name).join(' ')}' "$cur"
    fi
    return
  fi
  case "$command" in
${commands
  .map(
    (command) => `    ${command.name})
      if [[ $cur == -* ]]; then
        _${name}_words '${flagsOf(command.options).join(' ')}' "$cur"
      else
        ${completed(name, command.argument[0]?.values)}
      fi
      ;;`,
  )
  .join('\n')}
  esac
}

complete -F _${name} ${name}
`;

  function valueCase(command: string, { short, long, values }: OptionSpec): string {
    const of = command === '*' ? '*' : `'${command}'`;
    const patterns = [long, ...(short === undefined ? [] : [short])].map(
      (flag) => `${of}' ${flag}'`,
    );
    return `    ${patterns.join(' | ')})
      ${completed(name, values)}
      return
      ;;`;
  }
}

function completed(name: string, values: Values | undefined): string {
  switch (values?.kind) {
    case 'words':
      return `_${name}_words '${values.words.join(' ')}' "$cur"`;
    case 'files':
      return `_${name}_paths -f "$cur"`;
    case 'folders':
      return `_${name}_paths -d "$cur"`;
    default:
      return ':';
  }
}
