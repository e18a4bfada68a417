// Scripts about requests to the processes that carry runs out. Each begins with the prelude of scripts.ts.

/** Stores a request. ARGV: id, id of the run, action, announcement. */
export const REQUEST = `
local key, run_id = keys .. ':request:' .. ARGV[1], ARGV[2]
if call('EXISTS', key) == 1 then
  -- The write that the caller waits for.
  call('HSET', key, 'run', call('HGET', key, 'run'))
  return 'stored'
end
local run = call('HMGET', run_key(run_id), 'token', 'tenant', 'ended', 'events')
if not run[1] then return 'missing' end
if not run[2] then return 'unqueued' end
if run[3] == '1' then return 'ended' end
call('HSET', key, 'run', run_id, 'action', ARGV[3], 'position', run[4])
call('RPUSH', keys .. ':requests:' .. run_id, ARGV[1])
call('PUBLISH', keys .. ':news', ARGV[4])
return 'stored'
`;

/** The requests of these runs without a reply. ARGV: ids of runs. */
export const REQUESTS = `
local rows = {}
for _, run_id in ipairs(ARGV) do
  for _, id in ipairs(call('LRANGE', keys .. ':requests:' .. run_id, 0, -1)) do
    local request = call('HMGET', keys .. ':request:' .. id, 'action', 'position')
    rows[#rows + 1] = { id, run_id, request[1], request[2] }
  end
end
return rows
`;

/** Stores the first reply to a request. ARGV: id, reply, how long it is kept, announcement. */
export const REPLY = `
local key = keys .. ':request:' .. ARGV[1]
local request = call('HMGET', key, 'run', 'reply')
if not request[1] then return end
if request[2] then
  -- The write that the caller waits for.
  call('HSET', key, 'reply', request[2])
  return
end
call('HSET', key, 'reply', ARGV[2])
call('PEXPIRE', key, ARGV[3])
call('LREM', keys .. ':requests:' .. request[1], 1, ARGV[1])
call('PUBLISH', keys .. ':news', ARGV[4])
`;

/** The reply to a request, or that its run has ended and nobody writes it. ARGV: id. */
export const REPLY_TO = `
local request = call('HMGET', keys .. ':request:' .. ARGV[1], 'run', 'reply')
if request[2] then return { 'reply', request[2] } end
if not request[1] then return { 'none' } end
local run = call('HMGET', run_key(request[1]), 'ended', 'owner', 'lease_ms', 'lease_until')
if run[1] == '1' and is_free(run[2], run[3], run[4]) then return { 'ended', request[1] } end
return { 'none' }
`;
