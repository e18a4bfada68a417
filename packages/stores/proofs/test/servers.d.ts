import type { LocalServer } from '@stratagem/server-kit/local-server';

export interface ServerKind {
  /** Why none can be started here. */
  readonly problem: string | undefined;
  start(): Promise<LocalServer>;
}

export const BACKENDS: Readonly<Record<'postgres' | 'redis', ServerKind>>;
export function backendOf(name: string): ServerKind;
