/** The longest delay of a timer: delays are 32-bit, and a longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
