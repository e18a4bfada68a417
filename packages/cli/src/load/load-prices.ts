import type { PriceTable } from '@stratagem/core';
import { loadValue } from './load-value.js';

/**
 * Reads the prices of models from a YAML or JSON file. The executor checks each price.
 *
 * @throws {UsageError} when the file cannot be read.
 */
export async function loadPrices(file: string): Promise<PriceTable> {
  return (await loadValue(file)) as PriceTable;
}
