import { attachmentConformance } from './attachments.js';
import { connectionConformance } from './connection.js';
import { contractConformance } from './contract.js';
import { endingConformance } from './endings.js';
import { errorConformance } from './errors.js';
import { keyConformance } from './keys.js';
import { optionConformance } from './options.js';
import { planConformance } from './plans.js';
import { reasoningConformance } from './reasoning.js';
import { requestConformance } from './requests.js';
import { schemaConformance } from './schemas.js';
import { streamingConformance } from './streaming.js';
import type { ProviderSubject } from './subject.js';
import { taskOptionConformance } from './task-options.js';
import { toolConformance } from './tools.js';
import { transportConformance } from './transport.js';

/**
 * The tests that every provider of models must pass: the runner contract, plans, tools, the
 * ends of answers, schemas, errors, connections, how bodies travel, time limits, keys, and options of
 * runners and tasks. Sections about the SDK's client are skipped for a provider without one.
 */
export function providerConformance(subject: ProviderSubject): void {
  contractConformance(subject);
  planConformance(subject);
  toolConformance(subject);
  endingConformance(subject);
  schemaConformance(subject);
  errorConformance(subject);
  connectionConformance(subject);
  transportConformance(subject);
  keyConformance(subject);
  optionConformance(subject);
  taskOptionConformance(subject);
  attachmentConformance(subject);
  reasoningConformance(subject);
  streamingConformance(subject);
  requestConformance(subject);
}
