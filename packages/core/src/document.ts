// Entry point: plans from files.
export { planJsonSchema } from './document/json-schema.js';
export { parsePlanDocument } from './document/parse.js';
export { type PlanDocument, planDocumentSchema, type StrategySpec } from './document/schema.js';
