import { show } from '../contract/errors.js';
import type { StrategyFigures, StrategySwitch } from '../contract/strategy.js';

/**
 * Checks a switch that a strategy reported, and copies only the fields that belong in the log.
 *
 * @throws {TypeError} naming the invalid field.
 */
export function checkSwitch(change: StrategySwitch): StrategySwitch {
  const { from, to, reason, resource, limit, figures } = change ?? {};
  for (const [name, value] of Object.entries({ from, to, reason })) {
    if (typeof value !== 'string' || value === '') {
      throw new TypeError(`its ${name} must be a string; it is ${show(value)}`);
    }
  }
  if (resource !== undefined && typeof resource !== 'string') {
    throw new TypeError(`its resource must be a string; it is ${show(resource)}`);
  }
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1)) {
    throw new TypeError(`its limit must be an integer ≥ 1; it is ${show(limit)}`);
  }
  return {
    from,
    to,
    reason,
    ...(resource !== undefined && { resource }),
    ...(limit !== undefined && { limit }),
    ...(figures !== undefined && { figures: checkFigures(figures) }),
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
