import { BUDGET_FIELDS, RESOURCE_BUDGET_FIELDS } from '../contract/budget.js';
import { OPERATORS } from '../contract/condition.js';
import { ATTEMPT_ERROR_CODES } from '../contract/errors.js';
import { compilePattern } from '../util/pattern/pattern.js';
import { PatternError } from '../util/pattern/pattern-error.js';
import { isRecord } from '../util/record.js';
import {
  add,
  COUNT,
  checkFields,
  checkNumber,
  checkWord,
  type PlanPath,
  POSITIVE_MS,
  type Problems,
  SOME_MS,
} from './checks.js';
import { checkPlanInputs } from './plan-inputs.js';

/** Checks the settings of a plan. */
export function checkSettings(problems: Problems, plan: Record<string, unknown>): void {
  checkNumber(problems, plan.timeoutMs, ['timeoutMs'], POSITIVE_MS);
  checkNumber(problems, plan.idleTimeoutMs, ['idleTimeoutMs'], POSITIVE_MS);
  checkNumber(problems, plan.deadlineMs, ['deadlineMs'], POSITIVE_MS);
  if (plan.retry !== undefined) checkRetry(problems, plan.retry, ['retry']);
  if (plan.budget !== undefined) checkBudget(problems, plan.budget, ['budget']);
  if (plan.metadata !== undefined) checkMetadata(problems, plan.metadata, ['metadata']);
  if (plan.inputs !== undefined) checkPlanInputs(problems, plan.inputs);
  if (plan.goalState !== undefined) checkGoalState(problems, plan.goalState);
  if (plan.goalCheckInterval === undefined) return;
  checkNumber(problems, plan.goalCheckInterval, ['goalCheckInterval'], COUNT);
  if (plan.goalState === undefined) {
    const message = 'has no effect without a goalState';
    add(problems, 'conflict', ['goalCheckInterval'], message);
  }
}

export function checkMetadata(problems: Problems, metadata: unknown, path: PlanPath): void {
  if (!isRecord(metadata)) add(problems, 'invalid_value', path, 'must be an object');
}

const RETRY_FIELDS = [
  'maxAttempts',
  'initialDelayMs',
  'maxDelayMs',
  'maxRetryAfterMs',
  'factor',
  'on',
];

export function checkRetry(problems: Problems, retry: unknown, path: PlanPath): void {
  if (!isRecord(retry)) {
    add(problems, 'invalid_value', path, 'must be an object like { maxAttempts: 3 }');
    return;
  }
  checkFields(problems, retry, RETRY_FIELDS, path);
  checkNumber(problems, retry.maxAttempts, [...path, 'maxAttempts'], COUNT);
  checkNumber(problems, retry.initialDelayMs, [...path, 'initialDelayMs'], SOME_MS);
  checkNumber(problems, retry.maxDelayMs, [...path, 'maxDelayMs'], SOME_MS);
  checkNumber(problems, retry.maxRetryAfterMs, [...path, 'maxRetryAfterMs'], SOME_MS);
  checkNumber(problems, retry.factor, [...path, 'factor'], {
    min: 1,
    what: 'a number ≥ 1',
  });
  if (retry.on === undefined) return;
  if (!Array.isArray(retry.on)) {
    add(
      problems,
      'invalid_value',
      [...path, 'on'],
      'must be a list of error codes, like ["rate_limited"]',
    );
    return;
  }
  for (const [position, code] of retry.on.entries()) {
    checkWord(problems, code ?? null, ATTEMPT_ERROR_CODES, [...path, 'on', position]);
  }
}

export function checkBudget(problems: Problems, budget: unknown, path: PlanPath): void {
  if (!isRecord(budget)) {
    add(problems, 'invalid_value', path, 'must be an object like { tokens: 100000 }');
    return;
  }
  checkFields(problems, budget, BUDGET_FIELDS, path);
  checkAmounts(problems, budget, path);
  checkNumber(problems, budget.tasks, [...path, 'tasks'], COUNT);
  checkNumber(problems, budget.wallTimeMs, [...path, 'wallTimeMs'], POSITIVE_MS);
  const { resources } = budget;
  if (resources === undefined) return;
  const example = '{ "openai/gpt-5": { tokens: 100000 } }';
  if (!isRecord(resources)) {
    add(problems, 'invalid_value', [...path, 'resources'], `must be an object like ${example}`);
    return;
  }
  for (const [name, limits] of Object.entries(resources)) {
    const at = [...path, 'resources', name];
    if (name === '') add(problems, 'invalid_value', at, 'must have the name of a resource');
    else if (!isRecord(limits)) {
      add(problems, 'invalid_value', at, `must be a budget, as in ${example}`);
    } else {
      checkFields(problems, limits, RESOURCE_BUDGET_FIELDS, at);
      checkAmounts(problems, limits, at);
    }
  }
}

function checkAmounts(
  problems: Problems,
  { tokens, costUsd }: Record<string, unknown>,
  path: PlanPath,
): void {
  checkNumber(problems, tokens, [...path, 'tokens'], COUNT);
  const dollars = { min: 0, over: true, what: 'a number of US dollars > 0' };
  checkNumber(problems, costUsd, [...path, 'costUsd'], dollars);
}

const CACHE_PRICE_FIELDS = ['cachedInputPerMillion', 'cacheWriteInputPerMillion'] as const;
const PRICE_FIELDS = ['inputPerMillion', 'outputPerMillion', ...CACHE_PRICE_FIELDS, 'perSearch'];

export function checkPrices(problems: Problems, prices: unknown, path: PlanPath): void {
  const example = '{ "gpt-5": { inputPerMillion: 1.25, outputPerMillion: 10 } }';
  if (!isRecord(prices)) {
    add(problems, 'invalid_value', path, `must be an object like ${example}`);
    return;
  }
  for (const [model, price] of Object.entries(prices)) {
    const at = [...path, model];
    if (!isRecord(price)) {
      add(problems, 'invalid_value', at, `must be a price, as in ${example}`);
      continue;
    }
    checkFields(problems, price, PRICE_FIELDS, at);
    const dollars = { min: 0, what: 'a number of US dollars per million tokens, ≥ 0' };
    checkNumber(problems, price.inputPerMillion ?? null, [...at, 'inputPerMillion'], dollars);
    checkNumber(problems, price.outputPerMillion ?? null, [...at, 'outputPerMillion'], dollars);
    const each = { min: 0, what: 'a number of US dollars for one search, ≥ 0' };
    checkNumber(problems, price.perSearch, [...at, 'perSearch'], each);
    for (const name of CACHE_PRICE_FIELDS) {
      checkNumber(problems, price[name], [...at, name], dollars);
    }
  }
}

const GOAL_FIELDS = ['description', 'criteria', 'threshold', 'whenAchieved'];
const CRITERION_FIELDS = ['name', 'path', 'count', 'operator', 'value', 'weight'];

function checkGoalState(problems: Problems, goal: unknown): void {
  const path = ['goalState'];
  if (!isRecord(goal)) {
    add(problems, 'invalid_value', path, 'must be an object with criteria');
    return;
  }
  checkFields(problems, goal, GOAL_FIELDS, path);
  if (goal.description !== undefined && typeof goal.description !== 'string') {
    add(problems, 'invalid_value', [...path, 'description'], 'must be a text, the goal in words');
  }
  checkWord(problems, goal.whenAchieved, ['finish', 'abort'], [...path, 'whenAchieved']);
  const share = { min: 0, over: true, max: 1, what: 'a number > 0 and ≤ 1' };
  checkNumber(problems, goal.threshold, [...path, 'threshold'], share);
  if (!Array.isArray(goal.criteria) || goal.criteria.length === 0) {
    const code = goal.criteria === undefined ? 'missing_field' : 'invalid_value';
    add(problems, code, [...path, 'criteria'], 'must be a list of at least one criterion');
    return;
  }
  for (const [position, criterion] of goal.criteria.entries()) {
    checkCriterion(problems, criterion, [...path, 'criteria', position]);
  }
}

function checkCriterion(problems: Problems, criterion: unknown, path: PlanPath): void {
  if (!isRecord(criterion)) {
    const example = '{ path: "outputs.report.score", operator: ">=", value: 8 }';
    add(problems, 'invalid_value', path, `must be an object like ${example}`);
    return;
  }
  checkFields(problems, criterion, CRITERION_FIELDS, path);
  const { name, path: place, count, weight } = criterion;
  if (name !== undefined && typeof name !== 'string') {
    add(problems, 'invalid_value', [...path, 'name'], 'must be a string');
  }
  if ((typeof place === 'string') === (typeof count === 'string')) {
    const message = 'needs either a path or a count, as a string';
    add(problems, place === undefined ? 'missing_field' : 'invalid_value', path, message);
  }
  const positive = { min: 0, over: true, what: 'a number > 0' };
  checkNumber(problems, weight, [...path, 'weight'], positive);
  checkOperator(problems, criterion, path);
}

/** Checks an operator and the value that it compares with. */
export function checkOperator(
  problems: Problems,
  comparison: Record<string, unknown>,
  path: PlanPath,
): void {
  const { operator, value } = comparison;
  if (operator === undefined) {
    const message = `is missing; it must be one of ${OPERATORS.join(', ')}`;
    add(problems, 'missing_field', [...path, 'operator'], message);
  } else checkWord(problems, operator, OPERATORS, [...path, 'operator']);
  const ordered = ['>', '<', '>=', '<='].includes(operator as string);
  if (value === undefined) {
    add(
      problems,
      'missing_field',
      [...path, 'value'],
      'is missing; it must be the value to compare with',
    );
  } else if (ordered && typeof value !== 'number' && typeof value !== 'string') {
    const message = `must be a number or a string for the operator ${operator}`;
    add(problems, 'invalid_value', [...path, 'value'], message);
  } else if (operator === 'matches') checkPattern(problems, value, [...path, 'value']);
}

function checkPattern(problems: Problems, pattern: unknown, path: PlanPath): void {
  if (typeof pattern !== 'string') {
    add(problems, 'invalid_value', path, 'must be a regular expression, as a string');
    return;
  }
  try {
    compilePattern(pattern);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    add(problems, 'invalid_value', path, `is not a supported regular expression: ${error.message}`);
  }
}
