import { createHash } from 'node:crypto';
import { REPLY, REPLY_TO, REQUEST, REQUESTS } from './request-scripts.js';

/**
 * All keys have one prefix, `{stratagem}` by default, whose braces keep them on one node of a cluster:
 *
 * - `:version` and `:server`: of these keys, and the run id of the server; `:started`, when it started.
 * - `:runs`: the ids of all runs by their number; `:number` has the last one.
 * - `:run:ID`: a hash with the number of the run, the number of its events and its summary, so that a
 *   list reads no log; its lease; and, when it was submitted, what the queue needs.
 * - `:log:ID`: the list of its events. One that begins with no brace names a content.
 * - `:content:HASH`: a large value once, by the SHA-256 of its text.
 * - `:completions`: the run and the position of the last output of each content key.
 * - `:waiting:TENANT`: the runs that may be claimed, in order of their submission. `:held` and
 *   `:postponed`: those that may be claimed later, by the time. `:under-way`: how many runs of each
 *   tenant are held. `:ready`: each tenant with a waiting run, by the runs under way, then by the number
 *   of its first waiting run; `:tenants` says where a tenant is in it.
 * - `:request:ID`: something that a process asks of a run of another one, and the reply for a day;
 *   `:requests:ID`: those of a run without a reply.
 * - `:limit:RESOURCE`: the schedules of shared limits, and the end of its pause under the empty name.
 *
 * A script is executed at once, and all that it checks still holds when it writes. Times are those of the
 * server, in milliseconds. Scripts use keys that only they can know, of one node all the same.
 */
const PRELUDE = `
local keys = KEYS[1]
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function run_key(id) return keys .. ':run:' .. id end
local function text(value) return string.format('%.17g', value) end

-- Whether nobody writes a run. Right after the server has started, nobody had the time to renew a lease.
local function is_free(owner, lease_ms, lease_until)
  if not owner then return true end
  local started = tonumber(call('GET', keys .. ':started') or 0)
  return tonumber(lease_until) <= now and started + tonumber(lease_ms) <= now
end

-- Puts a tenant where claims find it.
local function sort_tenant(tenant)
  local member = call('HGET', keys .. ':tenants', tenant)
  if member then call('ZREM', keys .. ':ready', member) end
  local first = call('ZRANGE', keys .. ':waiting:' .. tenant, 0, 0, 'WITHSCORES')
  if first[1] then
    member = string.format('%016d ', tonumber(first[2])) .. tenant
    call('ZADD', keys .. ':ready', call('HGET', keys .. ':under-way', tenant) or 0, member)
    call('HSET', keys .. ':tenants', tenant, member)
  elseif member then
    call('HDEL', keys .. ':tenants', tenant)
  end
end

-- Puts a queued run where claims find it, or do not. Called after each change of a run.
local function place(id)
  local run = call('HMGET', run_key(id), 'run', 'tenant', 'ended', 'owner', 'lease_ms', 'lease_until', 'postponed_until', 'place')
  local number, tenant, from = run[1], run[2], run[8]
  if not tenant then return end
  local to = 'waiting'
  if run[3] == '1' then to = 'ended'
  elseif not is_free(run[4], run[5], run[6]) then to = 'held'
  elseif run[7] and tonumber(run[7]) > now then to = 'postponed' end
  if to == 'held' then call('ZADD', keys .. ':held', run[6], id) end
  if from == to then return end
  if from == 'held' then
    call('ZREM', keys .. ':held', id)
    if call('HINCRBY', keys .. ':under-way', tenant, -1) <= 0 then
      call('HDEL', keys .. ':under-way', tenant)
    end
  elseif from == 'postponed' then call('ZREM', keys .. ':postponed', id)
  elseif from == 'waiting' then call('ZREM', keys .. ':waiting:' .. tenant, id) end
  if to == 'held' then call('HINCRBY', keys .. ':under-way', tenant, 1)
  elseif to == 'postponed' then call('ZADD', keys .. ':postponed', run[7], id)
  elseif to == 'waiting' then call('ZADD', keys .. ':waiting:' .. tenant, number, id) end
  call('HSET', run_key(id), 'place', to)
  sort_tenant(tenant)
end

local function number_run(id)
  local number = call('INCR', keys .. ':number')
  call('ZADD', keys .. ':runs', number, id)
  call('HSET', run_key(id), 'run', number, 'events', 0, 'token', 0)
end

-- Takes the lease of a run; one that the owner has already stays as it is.
local function take(id, owner, lease_ms)
  local key = run_key(id)
  if call('HGET', key, 'owner') ~= owner then call('HINCRBY', key, 'token', 1) end
  call('HSET', key, 'owner', owner, 'lease_ms', lease_ms, 'lease_until', text(now + lease_ms))
  call('HDEL', key, 'postponed_until')
  place(id)
  local run = call('HMGET', key, 'run', 'token', 'events', 'summary', 'submission')
  return { 'taken', id, run[1], run[2], run[3], run[4], run[5] }
end

local function locked(owner, token, lease_until)
  return { 'locked', owner, token, text(tonumber(lease_until) - now) }
end
`;

/** Takes the lease of a run unless somebody else has it. ARGV: id, owner, duration. */
const OPEN = `
local run = call('HMGET', run_key(ARGV[1]), 'owner', 'lease_ms', 'lease_until', 'token')
if not run[4] then return { 'missing' } end
if run[1] ~= ARGV[2] and not is_free(run[1], run[2], run[3]) then return locked(run[1], run[4], run[3]) end
return take(ARGV[1], ARGV[2], tonumber(ARGV[3]))
`;

/** Creates a run, or replaces one without events. ARGV: id, owner, duration, summary. */
const CREATE_RUN = `
local id, key = ARGV[1], run_key(ARGV[1])
local run = call('HMGET', key, 'owner', 'lease_ms', 'lease_until', 'token', 'events', 'tenant')
if run[4] then
  if run[6] then return { 'exists' } end
  if run[1] ~= ARGV[2] and not is_free(run[1], run[2], run[3]) then return locked(run[1], run[4], run[3]) end
  if run[5] ~= '0' then return { 'exists' } end
else
  number_run(id)
end
call('HSET', key, 'summary', ARGV[4])
return take(id, ARGV[2], tonumber(ARGV[3]))
`;

/** Releases the lease of a process that has ended. ARGV: id, owner, token. */
const FREE = `
local run = call('HMGET', run_key(ARGV[1]), 'owner', 'token')
if run[1] ~= ARGV[2] or run[2] ~= ARGV[3] then return 0 end
call('HDEL', run_key(ARGV[1]), 'owner', 'lease_until')
place(ARGV[1])
return 1
`;

/**
 * Appends events at the end of a log. ARGV: id, token, position, count, summary, whether it has ended,
 * the events, the number of contents, their hashes and texts, the content keys and their places.
 *
 * Returns 1 when they are stored, now or by an earlier try, and 0 when the lease was lost.
 */
const APPEND = `
local id, key = ARGV[1], run_key(ARGV[1])
local run = call('HMGET', key, 'token', 'events', 'owner', 'lease_ms')
local first, count = tonumber(ARGV[3]), tonumber(ARGV[4])
if run[1] ~= ARGV[2] then return 0 end
if tonumber(run[2]) ~= first then
  if tonumber(run[2]) ~= first + count then return 0 end
  -- The write that the caller waits for.
  call('HSET', key, 'summary', ARGV[5])
  return 1
end
if not run[3] then return 0 end
local next = 7
for from = next, next + count - 1, 1000 do
  call('RPUSH', keys .. ':log:' .. id, unpack(ARGV, from, math.min(from + 999, next + count - 1)))
end
next = next + count
local contents = tonumber(ARGV[next])
next = next + 1
for _ = 1, contents do
  call('SETNX', keys .. ':content:' .. ARGV[next], ARGV[next + 1])
  next = next + 2
end
for index = next, #ARGV, 2 do call('HSET', keys .. ':completions', ARGV[index], ARGV[index + 1]) end
call('HSET', key, 'events', first + count, 'summary', ARGV[5], 'ended', ARGV[6], 'lease_until', text(now + run[4]))
place(id)
return 1
`;

/** Renews leases. ARGV: id and token of each. */
const RENEW = `
for index = 1, #ARGV, 2 do
  local key = run_key(ARGV[index])
  local run = call('HMGET', key, 'token', 'owner', 'lease_ms')
  if run[1] == ARGV[index + 1] and run[2] then
    call('HSET', key, 'lease_until', text(now + run[3]))
    place(ARGV[index])
  end
end
`;

/** Releases a lease. ARGV: id, token, for how long it is postponed or nothing, announcement. */
const RELEASE = `
local id, key = ARGV[1], run_key(ARGV[1])
local run = call('HMGET', key, 'token', 'owner', 'tenant', 'ended')
if run[1] ~= ARGV[2] or not run[2] then return 0 end
call('HDEL', key, 'owner', 'lease_until')
if ARGV[3] ~= '' then call('HSET', key, 'postponed_until', text(now + ARGV[3])) end
place(id)
if run[3] and run[4] ~= '1' then call('PUBLISH', keys .. ':news', ARGV[4]) end
return 1
`;

/** Queues a run. ARGV: id, submitter, summary, tenant, submission, announcement. */
const SUBMIT = `
local id, key = ARGV[1], run_key(ARGV[1])
local run = call('HMGET', key, 'owner', 'lease_ms', 'lease_until', 'token', 'events', 'tenant', 'submitter')
if run[7] == ARGV[2] then
  -- The write that the caller waits for.
  call('HSET', key, 'submitter', ARGV[2])
  return { 'submitted' }
end
if run[4] then
  if run[6] or run[5] ~= '0' then return { 'exists' } end
  if not is_free(run[1], run[2], run[3]) then return locked(run[1], run[4], run[3]) end
  call('HINCRBY', key, 'token', 1)
  call('HDEL', key, 'owner', 'lease_until', 'postponed_until')
else
  number_run(id)
end
call('HSET', key, 'submitter', ARGV[2], 'summary', ARGV[3], 'tenant', ARGV[4], 'submission', ARGV[5])
place(id)
call('PUBLISH', keys .. ':news', ARGV[6])
return { 'submitted' }
`;

/** Takes the lease of the next queued run. ARGV: owner, duration, whether an answer was lost. */
const CLAIM = `
for _, name in ipairs({ ':held', ':postponed' }) do
  for _, id in ipairs(call('ZRANGEBYSCORE', keys .. name, '-inf', now, 'LIMIT', 0, 1000)) do place(id) end
end
if ARGV[3] == '1' then
  for _, id in ipairs(call('ZRANGE', keys .. ':held', 0, -1)) do
    if call('HGET', run_key(id), 'owner') == ARGV[1] then return take(id, ARGV[1], tonumber(ARGV[2])) end
  end
end
local first = call('ZRANGE', keys .. ':ready', 0, 0)[1]
if not first then return { 'none' } end
local id = call('ZRANGE', keys .. ':waiting:' .. string.sub(first, 18), 0, 0)[1]
return take(id, ARGV[1], tonumber(ARGV[2]))
`;

/** Some runs, the newest first. ARGV: only those below this number, how many. Returns the last number. */
const LIST = `
local found = call('ZRANGE', keys .. ':runs', ARGV[1], '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[2], 'WITHSCORES')
local rows = { found[#found] or '' }
for index = 1, #found, 2 do
  local run = call('HMGET', run_key(found[index]), 'owner', 'lease_ms', 'lease_until', 'summary', 'events', 'ended', 'tenant')
  local state = ''
  if run[6] ~= '1' and is_free(run[1], run[2], run[3]) then
    state = (run[7] and run[5] == '0') and 'queued' or 'interrupted'
  end
  rows[#rows + 1] = state
  rows[#rows + 1] = run[4]
end
return rows
`;

/** Notes the server of these keys. ARGV: version, run id. */
const CREATE = `
call('SETNX', keys .. ':version', ARGV[1])
call('SETNX', keys .. ':server', ARGV[2])
`;

/** Notes a start of the server. ARGV: run id. */
const RESTARTED = `
if call('GET', keys .. ':server') == ARGV[1] then return end
call('SET', keys .. ':server', ARGV[1])
call('SET', keys .. ':started', text(now))
`;

/**
 * Moves the ends of schedules, which are never before now. A clock that was set back by more than a
 * second moves the schedules with it. ARGV: resource, quantity and cost in milliseconds of each.
 *
 * Returns how long each takes to work off what was reserved before, and the rest of the pause.
 */
const RESERVE = `
local key = keys .. ':limit:' .. ARGV[1]
local exact = time[1] * 1000 + time[2] / 1000
local results = {}
for index = 2, #ARGV, 2 do
  local field = ARGV[index]
  local ends, at = unpack(call('HMGET', key, 'end ' .. field, 'at ' .. field))
  ends, at = tonumber(ends or exact), tonumber(at or exact)
  if at > exact + 1000 then ends = ends - (at - exact) end
  local start = math.max(exact, ends)
  call('HSET', key, 'end ' .. field, text(start + ARGV[index + 1]), 'at ' .. field, text(exact))
  results[#results + 1] = text(start - exact)
end
results[#results + 1] = text(math.max(0, tonumber(call('HGET', key, 'pause') or 0) - exact))
return results
`;

/** Pauses a resource unless it is paused for longer. ARGV: resource, duration, announcement. */
const PAUSE = `
local key = keys .. ':limit:' .. ARGV[1]
local till = now + ARGV[2]
if till <= tonumber(call('HGET', key, 'pause') or 0) then return 0 end
call('HSET', key, 'pause', text(till))
call('PUBLISH', keys .. ':news', ARGV[3])
return 1
`;

const BODIES = {
  open: OPEN,
  createRun: CREATE_RUN,
  free: FREE,
  append: APPEND,
  renew: RENEW,
  release: RELEASE,
  submit: SUBMIT,
  claim: CLAIM,
  list: LIST,
  create: CREATE,
  restarted: RESTARTED,
  reserve: RESERVE,
  pause: PAUSE,
  request: REQUEST,
  requests: REQUESTS,
  reply: REPLY,
  replyTo: REPLY_TO,
};

export type ScriptName = keyof typeof BODIES;

export const SCRIPTS = Object.fromEntries(
  Object.entries(BODIES).map(([name, body]) => [name, PRELUDE + body]),
) as Readonly<Record<ScriptName, string>>;

const SHAS = new Map(
  Object.entries(SCRIPTS).map(([name, script]) => [
    name as ScriptName,
    createHash('sha1').update(script).digest('hex'),
  ]),
);

/** The name of a script on the server. */
export function shaOf(name: ScriptName): string {
  return SHAS.get(name) as string;
}
