// Entry point: plans from files.
export { PLAN_SCHEMA_URL, planJsonSchema } from './document/json-schema.js';
export {
  type FindRows,
  loadPlanDocument,
  type PlanFile,
  PlanFileError,
  type ReadPlanFile,
} from './document/load.js';
export { type ModelProfile, PROFILE_RUNNERS } from './document/model-schema.js';
export { type ParsedPlan, parsePlanDocument } from './document/parse.js';
export { type PlanDocument, planDocumentSchema } from './document/schema.js';
export type { StrategySpec } from './document/strategy-schema.js';
