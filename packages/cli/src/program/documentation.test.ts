import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, CommanderError, type Option } from 'commander';
import { expect, test } from 'vitest';
import { createProgram } from '../program.js';
import { EXPLANATIONS } from './help.js';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** To write it again: pnpm --filter @stratagem/docs generate */
test('docs/reference/cli.md lists every command and option', async () => {
  const hint = 'The file is out of date. Write it again: pnpm --filter @stratagem/docs generate';
  await expect(reference(), hint).toMatchFileSnapshot(join(root, 'docs/reference/cli.md'));
});

test('the documentation shows commands with options and values that exist', async () => {
  const files = globSync(['*.md', 'docs/**/*.md', 'packages/{*,*/*}/README.md', 'apps/*/*.md'], {
    cwd: root,
    exclude: (name) => name.includes('node_modules'),
  });
  const commands = files.flatMap((file) =>
    commandsOf(readFileSync(join(root, file), 'utf8')).map((command) => [file, command] as const),
  );
  expect(commands.length).toBeGreaterThan(40);
  const wrong: string[] = [];
  for (const [file, command] of commands) {
    const problem = await problemOf(wordsOf(command));
    if (problem !== undefined) wrong.push(`${file}: ${command}: ${problem}`);
  }
  expect(wrong).toEqual([]);
});

function reference(): string {
  const program = createProgram(() => {});
  const help = program.createHelp();
  const commands = help.visibleCommands(program).filter((each) => each.name() !== 'help');
  const head = `# Command line

Made from the options of the program. \`stratagem help COMMAND\` prints the same. The
[README](../../packages/cli/README.md) of the package explains how to work with it.

\`\`\`sh
npm install @stratagem/cli
npx stratagem init
npx stratagem run plan.yaml
\`\`\`

| command | meaning |
| --- | --- |
${commands.map((each) => `| [\`${each.name()}\`](#stratagem-${each.name()}) | ${sentence(each.description())} |`).join('\n')}

Every command takes these settings:

${options(program, help.visibleOptions(program))}

## Exit codes

${exitCodes()}
`;
  return `${head}\n${commands.map(section).join('\n\n')}\n`;
}

function exitCodes(): string {
  const [, text = ''] = /Exit codes: ([\s\S]*?)\n\n/.exec(EXPLANATIONS) ?? [];
  const codes = text.split(/,\s+(?=\d)/).map((each) => each.split(/ (.*)/s));
  return [
    '| code | meaning |',
    '| --- | --- |',
    ...codes.map(([code, meaning]) => `| ${code} | ${sentence(meaning ?? '')} |`),
  ].join('\n');
}

function section(command: Command): string {
  const help = command.createHelp();
  const groups = new Map<string, Option[]>();
  for (const each of help.visibleOptions(command)) {
    const name = each.helpGroupHeading ?? 'Options:';
    groups.set(name, [...(groups.get(name) ?? []), each]);
  }
  const parts = [
    `## \`stratagem ${command.name()}\``,
    `${sentence(command.description())}.`,
    `\`\`\`\n${help.commandUsage(command)}\n\`\`\``,
  ];
  const args = help.visibleArguments(command);
  if (args.length > 0) {
    const rows = args.map(
      (each) => `| \`${each.name()}\` | ${cell(help.argumentDescription(each))} |`,
    );
    parts.push(['| argument | meaning |', '| --- | --- |', ...rows].join('\n'));
  }
  for (const [name, list] of groups) {
    if (name !== 'Options:') parts.push(`**${name.replace(/:$/, '')}**`);
    parts.push(options(command, list));
  }
  return parts.join('\n\n');
}

function options(command: Command, list: readonly Option[]): string {
  const help = command.createHelp();
  const rows = list.map(
    (each) => `| \`${cell(help.optionTerm(each))}\` | ${cell(help.optionDescription(each))} |`,
  );
  return ['| option | meaning |', '| --- | --- |', ...rows].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function sentence(text: string): string {
  return cell(text.charAt(0).toUpperCase() + text.slice(1));
}

/** The commands of this program in the shell blocks of a page. */
function commandsOf(page: string): string[] {
  return [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, code = '']) =>
    code
      .replaceAll('\\\n', ' ')
      .split('\n')
      .flatMap((line) => /^(?:npx )?stratagem (.*)$/.exec(line.trim())?.[1] ?? []),
  );
}

/** The words that a shell makes of a line, up to a comment or a pipe. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [, double, single, plain = ''] of line.matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)/g)) {
    if (plain.startsWith('#') || plain === '|' || plain === '>' || plain === '&&') break;
    const word = double ?? single ?? plain;
    const previous = words.at(-1);
    // A quoted value after an equals sign belongs to the word before it.
    if (plain === '' && previous?.endsWith('=')) words[words.length - 1] = previous + word;
    else words.push(word);
  }
  return words;
}

/** Why the program would refuse these words; nothing runs. */
async function problemOf(words: readonly string[]): Promise<string | undefined> {
  const program = createProgram(() => {});
  for (const each of [program, ...program.commands]) {
    each.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} });
    each.action(() => {});
  }
  try {
    await program.parseAsync(['node', 'stratagem', ...words]);
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? undefined : error.message;
  }
}
