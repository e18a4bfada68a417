// The kinds of servers, for the tests and for the processes that they kill.
import { postgresJournal, postgresLimits } from '@stratagem/postgres';
import { redisJournal, redisLimits } from '@stratagem/redis';

/** The journal and queue on a server. */
export function openQueue(url, options = {}) {
  return isRedis(url) ? redisJournal({ url, ...options }) : postgresJournal({ url, ...options });
}

export function openLimits(url) {
  return isRedis(url) ? redisLimits({ url }) : postgresLimits({ url });
}

function isRedis(url) {
  return url.startsWith('redis');
}
