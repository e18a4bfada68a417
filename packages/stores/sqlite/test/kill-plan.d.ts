export const SIZE: number;
export const CHANGING: string;
export function attemptsOf(seed: string, taskId: string): number;
export function kindOf(seed: string): { readonly isRedacted: boolean; readonly isChanged: boolean };
export function secretOf(seed: string): string;
