import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OutputPart } from '../contract/output-part.js';
import { SecretTexts } from '../contract/secret-texts.js';
import { StreamedSecrets } from './streamed-secrets.js';

const text = (value: string): OutputPart => ({ kind: 'text', text: value });

/** The parts that come out, and what is left at the end. */
function through(secrets: Record<string, unknown>, parts: readonly OutputPart[]): OutputPart[] {
  const streamed = new StreamedSecrets(new SecretTexts(secrets));
  return [...parts.flatMap((part) => streamed.add(part)), ...streamed.end()];
}

describe('streamed text', () => {
  test('has no secret that was split over parts', () => {
    const parts = ['The key is sk-', 'very-sec', 'ret, they say'].map(text);
    expect(through({ key: 'sk-very-secret' }, parts)).toEqual([
      text('The key is '),
      text('[secret], they say'),
    ]);
  });

  test('is all there when the secret does not follow', () => {
    const parts = ['The key is sk-', 'very'].map(text);
    expect(through({ key: 'sk-very-secret' }, parts)).toEqual([
      text('The key is '),
      text('sk-very'),
    ]);
  });

  test('leaves the keys of calls as they are', () => {
    const call = { callId: 'c', key: 'find-12345-1', tool: 'find' };
    const parts: OutputPart[] = [
      { kind: 'tool_call', ...call, input: 'pin 2345' },
      { kind: 'tool_result', ...call, ok: true, output: '2345', durationMs: 1 },
    ];
    expect(through({ pin: '2345' }, parts)).toEqual([
      { kind: 'tool_call', ...call, input: 'pin [secret]' },
      { kind: 'tool_result', ...call, ok: true, output: '[secret]', durationMs: 1 },
    ]);
  });

  test('keeps its order with other parts', () => {
    const step: OutputPart = { kind: 'step', step: 1 };
    const reasoning: OutputPart = { kind: 'reasoning', text: 'sk-very-secret' };
    const parts = [text('a sk-'), reasoning, text('b sk-'), step];
    expect(through({ key: 'sk-very-secret' }, parts)).toEqual([
      ...[text('a '), text('sk-'), { kind: 'reasoning', text: '[secret]' }],
      ...[text('b '), text('sk-'), step],
    ]);
  });

  test('is cut into parts without a difference', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 40 });
    const secret = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 4, maxLength: 7 });
    fc.assert(
      fc.property(fc.array(secret, { maxLength: 3 }), fc.array(letters), (secrets, pieces) => {
        const values = Object.fromEntries(secrets.entries());
        const out = through(values, pieces.map(text));
        const joined = out.map((part) => ('text' in part ? part.text : '')).join('');
        expect(joined).toBe(new SecretTexts(values).text(pieces.join('')));
      }),
      { numRuns: 2_000, seed: 1 },
    );
  });
});
