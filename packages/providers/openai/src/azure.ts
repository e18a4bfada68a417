import { RunnerError } from '@stratagem/core/runner';
import type { AzureOptions } from './options.js';

/** Where a resource on Azure is reached. */
export interface AzureAddress {
  readonly baseURL: string;
  /** Sent with each request; undefined for the current version of the API. */
  readonly apiVersion: string | undefined;
  /** Whether paths name the deployment. */
  readonly namesDeployment: boolean;
}

/**
 * The address of a resource on Azure. Its current API is that of OpenAI; the older ones have dated
 * versions, and the name of the deployment in the path.
 *
 * @throws {RunnerError} `invalid_request` when the resource is unknown.
 */
export function azureAddressOf(options: AzureOptions): AzureAddress {
  const address = addressIn(options);
  if (address !== undefined) return address;
  const message =
    'openai() does not know the resource on Azure: set the environment variable ' +
    'AZURE_OPENAI_ENDPOINT, or pass openai({ azure: { resourceName } })';
  throw new RunnerError('invalid_request', message);
}

/** The same; undefined when the resource is unknown. */
export function addressIn(options: AzureOptions): AzureAddress | undefined {
  const { resourceName, endpoint = variable('AZURE_OPENAI_ENDPOINT') } = options;
  const { apiVersion = variable('OPENAI_API_VERSION') ?? 'v1' } = options;
  const host = resourceName === undefined ? endpoint : `https://${resourceName}.openai.azure.com`;
  if (host === undefined) return undefined;
  const isDated = /^\d{4}-/.test(apiVersion);
  const { useDeploymentBasedUrls: namesDeployment = isDated } = options;
  const root = `${host.replace(/\/+$/, '').replace(/\/openai(\/v1)?$/, '')}/openai`;
  return {
    baseURL: namesDeployment ? root : `${root}/v1`,
    apiVersion: apiVersion === 'v1' ? undefined : apiVersion,
    namesDeployment,
  };
}

/** The key of a resource on Azure in the environment. */
export function azureKey(): string | undefined {
  return variable('AZURE_OPENAI_API_KEY');
}

function variable(name: string): string | undefined {
  return process.env[name]?.trim() || undefined;
}
