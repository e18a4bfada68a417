export const SIZE: number;
export function attemptsOf(seed: string, taskId: string): number;
