import { isScalar, parseDocument, visit } from 'yaml';

/** Aliases can make a short text huge. */
const MAX_ALIASES = 100;

/** The data of a YAML text; undefined when the text is not valid YAML, or only a plain text. */
export function readYaml(text: string): unknown {
  try {
    const document = parseDocument(text, { strict: true, logLevel: 'error' });
    if (document.errors.length > 0 || document.warnings.length > 0) return undefined;
    visit(document, {
      Scalar(_, node) {
        // `2.10` is no number here: it is subtask 10 of task 2.
        if (!isScalar(node) || typeof node.value !== 'number' || node.source === undefined) return;
        if (String(node.value) !== node.source) node.value = node.source;
      },
    });
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return typeof value === 'object' && value !== null ? toJson(value) : undefined;
  } catch {
    return undefined;
  }
}

/** Keys that are not texts become texts, and dates become what JSON makes of them. */
function toJson(value: object): unknown {
  return JSON.parse(JSON.stringify(value));
}
