import { compare, type Operator } from '../contract/condition.js';
import { didYouMean } from '../util/suggest.js';
import { kindsText, mayBe } from './kinds.js';
import { itemsOf, kindOf, type Shape, valuesOf } from './shapes.js';

/** Why a comparison can never hold, or always holds; undefined when it depends on the value. */
export function comparisonProblem(
  operator: Operator,
  value: unknown,
  shape: Shape,
): string | undefined {
  switch (operator) {
    case '==':
    case '!=': {
      const values = shape.map(valuesOf);
      if (values.every((each) => each !== undefined)) {
        const known = values.flat();
        if (known.some((each) => compare(each, '==', value))) return undefined;
        const texts = known.filter((each) => typeof each === 'string');
        const suggestion = typeof value === 'string' ? didYouMean(value, texts) : '';
        return `must be one of ${known.map((each) => JSON.stringify(each)).join(', ')}.${suggestion}`;
      }
      return mayBe(shape, [kindOf(value)])
        ? undefined
        : `must be ${kindsText(shape)}, as the schema says`;
    }
    case 'contains':
      if (!mayBe(shape, ['array', 'string']))
        return `the value at the path has no parts: it is ${kindsText(shape)}`;
      return mayBe(shape, ['string']) ? undefined : comparisonProblem('==', value, itemsOf(shape));
    case 'matches':
      return mayBe(shape, ['string'])
        ? undefined
        : `only text matches a pattern; the value at the path is ${kindsText(shape)}`;
    default:
      return mayBe(shape, [kindOf(value)])
        ? undefined
        : `must be ${kindsText(shape)}, as the schema says`;
  }
}
