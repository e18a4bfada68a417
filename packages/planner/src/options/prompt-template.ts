import { OptionError } from '@stratagem/core';

/** The placeholders that a prompt template may contain. */
const PLACEHOLDERS = ['goal', 'rules', 'tools', 'models', 'examples'] as const;
type Placeholder = (typeof PLACEHOLDERS)[number];

const PATTERN = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** @throws {OptionError} when `{{goal}}` is missing, or a placeholder is unknown. */
export function checkTemplate(owner: string, template: string): void {
  if (typeof template !== 'string') {
    throw new OptionError(`${owner}: promptTemplate must be a string`);
  }
  const names = Array.from(template.matchAll(PATTERN), ([, name]) => name as string);
  const unknown = names.find((name) => !(PLACEHOLDERS as readonly string[]).includes(name));
  if (unknown !== undefined) {
    const known = PLACEHOLDERS.map((name) => `{{${name}}}`).join(', ');
    throw new OptionError(
      `${owner}: promptTemplate has the unknown placeholder {{${unknown}}}; known are ${known}`,
    );
  }
  if (names.includes('goal')) return;
  throw new OptionError(`${owner}: promptTemplate must contain {{goal}}`);
}

/** Replaces the placeholders; placeholders inside the inserted parts stay as they are. */
export function fillTemplate(
  template: string,
  parts: Readonly<Record<Placeholder, string>>,
): string {
  return template.replace(PATTERN, (_, name: Placeholder) => parts[name]);
}
