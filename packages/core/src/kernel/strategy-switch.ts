import { show } from '../contract/errors.js';
import type {
  LimitComparison,
  StrategyExplanation,
  StrategyFigures,
  StrategySwitch,
} from '../contract/strategy.js';

/**
 * Checks a switch that a strategy reported, and copies only the fields that belong in the log.
 *
 * @throws {TypeError} naming the invalid field.
 */
export function checkSwitch(change: StrategySwitch): StrategySwitch {
  const { from, to, reason, resource, limit, figures, explanations, comparison } = change ?? {};
  for (const [name, value] of Object.entries({ from, to, reason })) {
    if (typeof value !== 'string' || value === '') {
      throw new TypeError(`its ${name} must be a string; it is ${show(value)}`);
    }
  }
  if (resource !== undefined && typeof resource !== 'string') {
    throw new TypeError(`its resource must be a string; it is ${show(resource)}`);
  }
  if (limit !== undefined) requireCount('limit', limit);
  return {
    from,
    to,
    reason,
    ...(resource !== undefined && { resource }),
    ...(limit !== undefined && { limit }),
    ...(figures !== undefined && { figures: checkFigures(figures) }),
    ...(explanations !== undefined && { explanations: checkExplanations(explanations) }),
    ...(comparison !== undefined && { comparison: checkComparison(comparison) }),
  };
}

function checkFigures(figures: StrategyFigures): StrategyFigures {
  const { tasksPerSecond, averageLatencyMs, parallelEfficiency } = figures ?? {};
  const checked = { tasksPerSecond, averageLatencyMs, parallelEfficiency };
  for (const [name, value] of Object.entries(checked)) {
    if (!(Number.isFinite(value) && value >= 0)) {
      throw new TypeError(`its ${name} must be a number ≥ 0; it is ${show(value)}`);
    }
  }
  return checked;
}

function checkExplanations(explanations: readonly StrategyExplanation[]): StrategyExplanation[] {
  if (!Array.isArray(explanations)) {
    throw new TypeError(`its explanations must be a list; it is ${show(explanations)}`);
  }
  return explanations.map((each: StrategyExplanation | undefined) => {
    const { explanation, probability } = each ?? {};
    if (typeof explanation !== 'string' || explanation === '') {
      throw new TypeError(`its explanation must be a string; it is ${show(explanation)}`);
    }
    return { explanation, probability: requireShare('probability', probability) };
  });
}

function checkComparison(comparison: LimitComparison): LimitComparison {
  const { expectedLoss, rejectedLimit, rejectedLoss } = comparison ?? {};
  requireCount('rejectedLimit', rejectedLimit);
  return {
    expectedLoss: requireShare('expectedLoss', expectedLoss),
    rejectedLimit,
    rejectedLoss: requireShare('rejectedLoss', rejectedLoss),
  };
}

function requireCount(name: string, value: unknown): void {
  if (Number.isSafeInteger(value) && (value as number) >= 1) return;
  throw new TypeError(`its ${name} must be an integer ≥ 1; it is ${show(value)}`);
}

function requireShare(name: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  throw new TypeError(`its ${name} must be a number from 0 to 1; it is ${show(value)}`);
}
