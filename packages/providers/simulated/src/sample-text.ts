import type { TaskRequest } from '@stratagem/core';

const FINDINGS = [
  'The figures of the last three years point the same way.',
  'Two of the sources disagree, and the newer one is better documented.',
  'The largest part comes from a small number of cases.',
  'Costs matter more here than features.',
  'The change began earlier than is commonly said.',
  'What is measured most often is not what matters most.',
  'Smaller teams report the clearest gains.',
  'There is little evidence for the popular view.',
  'The exceptions are worth a closer look.',
  'Growth slows where the market is already served.',
];

/** A short text that names the task and its inputs, so that both are visible. */
export function sampleText(request: TaskRequest, random: () => number): string {
  const { description, prompt, inputs } = request;
  // The description is the most readable, unless it is empty or a template.
  const subject = description === '' || description.includes('{{') ? prompt : description;
  const inputNames = Object.keys(inputs);
  const basis = inputNames.length === 0 ? '' : `, based on ${listOf(inputNames)}`;
  const findings = [...FINDINGS];
  const sentences = Array.from({ length: 2 + Math.floor(random() * 3) }, () => {
    return findings.splice(Math.floor(random() * findings.length), 1)[0];
  });
  return `Simulated answer to "${shorten(subject)}"${basis}. ${sentences.join(' ')}`;
}

/** The text on one line, shortened and without the final full stop. */
function shorten(text: string): string {
  const line = text.slice(0, 1_000).trim().replace(/\s+/g, ' ');
  const characters = [...line];
  if (characters.length > 120) return `${characters.slice(0, 119).join('')}…`;
  return line.replace(/\.+$/, '');
}

function listOf(names: readonly string[]): string {
  if (names.length < 3) return names.join(' and ');
  if (names.length > 6) return `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
