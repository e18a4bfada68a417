/** Whether a goal is one task, or many. */
export type Complexity = 'simple' | 'complex';
