-- The script of rules and jobs: what must not happen halfway, or by two processes at once. (The journal's rows and log
-- are only read here.) Redis does NOT roll back: everything is checked first, and written at the end.
--
-- KEYS   1 meta, 2 log, 3 rows: the journal's
--        4 lease: who evaluates the board's rules now
--        5 state: hash: position (the last entry of the log that was evaluated), seen (changes logged up to there, in
--          all), columns (of its rows), turn (counts each writing), missed, missed_at, cooled, over
--        6 timers: sorted set, "rule TAB row" -> when it is due     7 episodes: hash, the same -> change that began it
--        8 cooldowns: sorted set, "rule TAB row" -> until when      9 hours: hash, rule -> its hour's count, for Python
--       10 threads: hash, "rule TAB row TAB outlet" -> newest job   11 receipts: hash, job -> what its outlet answered
--       12 ages: sorted set of what 10 and 11 hold -> since when
--       13 jobs: hash, id -> payload   14 roots: hash, id -> job whose thread it belongs to
--       15 claims: hash, id -> "due TAB holder"
--       then for each outlet named in the call: waiting, claimed, dead (sorted sets), tries, counts (hashes)
-- ARGV   1 verb, 2 now (epoch seconds), then what the verb needs

local META, LOG, ROWS, LEASE, STATE, TIMERS, EPISODES = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local COOLDOWNS, HOURS, THREADS, RECEIPTS, AGES = KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]
local JOBS, ROOTS, CLAIMS, FIRST = KEYS[13], KEYS[14], KEYS[15], 16
local call, match = redis.call, string.match
local verb, NOW = ARGV[1], ARGV[2]
local WAITING, CLAIMED, DEAD, TRIES, COUNTS = KEYS[16], KEYS[17], KEYS[18], KEYS[19], KEYS[20]
local MONTH = 30 * 86400

---------------------------------------------------------------------------------------------------------- evaluator

-- Where the board's log is now, and where its rules are: {last id, changes in all, columns}, {turn, position, seen,
-- columns}. The first time, or after Redis lost its data, they begin here: what happened before is not told.
local function places()
  local meta = call('HMGET', META, 'epoch', 'n', 'changes', 'columns')
  if not (meta[1] and meta[4]) then return end
  local now = { meta[1] .. '-' .. (meta[2] or 0), meta[3] or 0, meta[4] }
  local state = call('HMGET', STATE, 'turn', 'position', 'seen', 'columns')
  if state[2] then return now, state end
  call('HSET', STATE, 'turn', 1, 'position', now[1], 'seen', now[2], 'columns', now[3])
  return now, { 1, unpack(now) }
end

-- begin: what is logged from now on will be evaluated. Answers 0 when nobody adopted the board yet.
if verb == 'begin' then return places() and 1 or 0 end

-- take: 3 holder, 4 lease in ms, 5 most entries. Takes or keeps the lease, and reads on from the cursor. Answers
-- {'busy', holder} or {'empty'} (nobody adopted the board yet) or {'ok', turn, position, seen, its columns, last id,
-- changes logged in all, columns now, entries, due timers: member, due, change, row text, …, next timer or ''}.
if verb == 'take' then
  local holder = call('GET', LEASE)
  if holder and holder ~= ARGV[3] then return { 'busy', holder } end
  local now, state = places()
  if not now then return { 'empty' } end
  call('SET', LEASE, ARGV[3], 'PX', ARGV[4])
  local entries = call('XRANGE', LOG, '(' .. state[2], '+', 'COUNT', ARGV[5])
  local due, timers = {}, call('ZRANGEBYSCORE', TIMERS, '-inf', NOW, 'WITHSCORES', 'LIMIT', 0, 100)
  for i = 1, #timers, 2 do
    local member = timers[i]
    due[#due + 1] = member
    due[#due + 1] = timers[i + 1]
    due[#due + 1] = call('HGET', EPISODES, member) or ''
    due[#due + 1] = call('HGET', ROWS, match(member, '\t(.*)$')) or ''
  end
  local next = call('ZRANGEBYSCORE', TIMERS, '(' .. NOW, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return { 'ok', state[1], state[2], state[3], state[4], now[1], now[2], now[3], entries, due, next[2] or '' }
end

-- write: 3 holder, 4 turn that was taken, 5 position, 6 seen, 7 columns, 8 missed, 9 cooled, 10 over, then five lists,
-- each after its length: jobs (id, outlet's place, due, payload, thread it belongs to, thread it begins), timers
-- (member, due or '' to end it, change), cooldowns (member, until), hours (rule, value). All, or, when another process
-- has the lease or wrote since, nothing: 1 or 0.
if verb == 'write' then
  if call('GET', LEASE) ~= ARGV[3] or call('HGET', STATE, 'turn') ~= ARGV[4] then return 0 end
  local at = 11
  local function each(width, write)
    local count = tonumber(ARGV[at])
    at = at + 1
    for _ = 1, count do
      write(unpack(ARGV, at, at + width - 1))
      at = at + width
    end
  end
  call('HSET', STATE, 'turn', ARGV[4] + 1, 'position', ARGV[5], 'seen', ARGV[6], 'columns', ARGV[7])
  if ARGV[8] ~= '0' then
    call('HINCRBY', STATE, 'missed', ARGV[8])
    call('HSET', STATE, 'missed_at', NOW)
  end
  call('HINCRBY', STATE, 'cooled', ARGV[9])
  call('HINCRBY', STATE, 'over', ARGV[10])
  each(6, function(id, outlet, due, payload, thread, begins)
    if call('HSETNX', JOBS, id, payload) == 0 then return end
    call('ZADD', KEYS[FIRST + 5 * outlet], due, id)
    local root = thread ~= '' and call('HGET', THREADS, thread)
    if root then call('HSET', ROOTS, id, root) end
    if begins ~= '' then
      call('HSET', THREADS, begins, id)
      call('ZADD', AGES, NOW, 't' .. begins)
    end
  end)
  each(3, function(member, due, change)
    if due == '' then
      call('ZREM', TIMERS, member)
      call('HDEL', EPISODES, member)
    else
      call('ZADD', TIMERS, due, member)
      call('HSET', EPISODES, member, change)
    end
  end)
  each(2, function(member, till) call('ZADD', COOLDOWNS, till, member) end)
  each(2, function(rule, value) call('HSET', HOURS, rule, value) end)
  call('ZREMRANGEBYSCORE', COOLDOWNS, '-inf', NOW - 86400)
  for _, old in ipairs(call('ZRANGEBYSCORE', AGES, '-inf', NOW - MONTH, 'LIMIT', 0, 20)) do
    call('HDEL', old:sub(1, 1) == 't' and THREADS or RECEIPTS, old:sub(2))
    call('ZREM', AGES, old)
  end
  return 1
end

------------------------------------------------------------------------------------------------------------- sender

local function free(id) -- a claimed job waits again, at its old place
  call('ZADD', WAITING, match(call('HGET', CLAIMS, id) or '0', '^[^\t]*'), id)
  call('ZREM', CLAIMED, id)
  call('HDEL', CLAIMS, id)
end

-- claim: 3 holder, 4 until when. Answers {'paused', until}, {'none', when to look again or ''} or
-- {'job', id, payload, tries, first try, receipt of the root of its thread or ''}.
if verb == 'claim' then
  local pause = call('HGET', COUNTS, 'pause')
  if pause and tonumber(pause) > tonumber(NOW) then return { 'paused', pause } end
  for _, id in ipairs(call('ZRANGEBYSCORE', CLAIMED, '-inf', NOW)) do free(id) end
  local from = 0
  while true do
    local due = call('ZRANGEBYSCORE', WAITING, '-inf', NOW, 'WITHSCORES', 'LIMIT', from, 100)
    for i = 1, #due, 2 do
      local id = due[i]
      local root = call('HGET', ROOTS, id)
      -- What belongs to a thread waits for the alert that begins it; if that one is dead, it goes without.
      if not (root and call('HEXISTS', JOBS, root) == 1 and not call('ZSCORE', DEAD, root)) then
        call('ZREM', WAITING, id)
        call('ZADD', CLAIMED, ARGV[4], id)
        call('HSET', CLAIMS, id, due[i + 1] .. '\t' .. ARGV[3])
        local count, first = match(call('HGET', TRIES, id) or '0\t', '^(%d+)\t([^\t]*)')
        return { 'job', id, call('HGET', JOBS, id), count, first, root and call('HGET', RECEIPTS, root) or '' }
      end
    end
    if #due < 200 then break end
    from = from + 100
  end
  local next = call('ZRANGEBYSCORE', WAITING, '(' .. NOW, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
  local expiring = call('ZRANGE', CLAIMED, 0, 0, 'WITHSCORES')[2]
  if expiring and not (next and tonumber(next) < tonumber(expiring)) then next = expiring end
  return { 'none', next or '' }
end

-- abandon: 3 holder. What a process that is gone had claimed waits again. Answers how many.
if verb == 'abandon' then
  local count = 0
  for _, id in ipairs(call('ZRANGE', CLAIMED, 0, -1)) do
    if match(call('HGET', CLAIMS, id) or '', '\t(.*)$') == ARGV[3] then
      free(id)
      count = count + 1
    end
  end
  return count
end

-- done: 3 id, 4 receipt, 5 '1': others may belong to its thread, 6 seconds it took, 7 name of the bucket they fall in.
-- Whoever sent it may say so, also when its claim had ended. Answers 1, or 0 when another one was first.
if verb == 'done' then
  local id = ARGV[3]
  if call('HDEL', JOBS, id) == 0 then return 0 end
  for _, set in ipairs({ WAITING, CLAIMED, DEAD }) do call('ZREM', set, id) end
  for _, hash in ipairs({ ROOTS, CLAIMS, TRIES }) do call('HDEL', hash, id) end
  if ARGV[5] == '1' then
    call('HSET', RECEIPTS, id, ARGV[4])
    call('ZADD', AGES, NOW, 'r' .. id)
  end
  call('HINCRBY', COUNTS, 'sent', 1)
  call('HINCRBYFLOAT', COUNTS, 'seconds', ARGV[6])
  call('HINCRBY', COUNTS, ARGV[7], 1)
  call('HDEL', COUNTS, 'failures')
  return 1
end

local function ours(id) return match(call('HGET', CLAIMS, id) or '', '\t(.*)$') == ARGV[4] end

-- again: 3 id, 4 holder, 5 due ('': keep its place), 6 reason ('': none, no try is counted), 7 outlet's pause ('': none)
if verb == 'again' then
  local id = ARGV[3]
  if ARGV[7] ~= '' then call('HSET', COUNTS, 'pause', ARGV[7]) end
  if not ours(id) then return 0 end
  free(id)
  if ARGV[5] ~= '' then call('ZADD', WAITING, ARGV[5], id) end
  if ARGV[6] ~= '' then
    local count, first = match(call('HGET', TRIES, id) or '0\t', '^(%d+)\t([^\t]*)')
    call('HSET', TRIES, id, count + 1 .. '\t' .. (first == '' and NOW or first) .. '\t' .. NOW .. '\t' .. ARGV[6])
    call('HSET', COUNTS, 'error', ARGV[6], 'error_at', NOW)
    call('HINCRBY', COUNTS, 'failures', 1)
    call('HINCRBY', COUNTS, 'failed', 1)
  end
  return tonumber(call('HGET', COUNTS, 'failures') or 0)
end

-- bury: 3 id, 4 holder, 5 reason. A retry doesn't help: it is kept for people to look at.
if verb == 'bury' then
  local id = ARGV[3]
  if not ours(id) then return 0 end
  call('ZREM', CLAIMED, id)
  call('HDEL', CLAIMS, id)
  call('ZADD', DEAD, NOW, id)
  local count, first = match(call('HGET', TRIES, id) or '0\t', '^(%d+)\t([^\t]*)')
  call('HSET', TRIES, id, count + 1 .. '\t' .. (first == '' and NOW or first) .. '\t' .. NOW .. '\t' .. ARGV[5])
  call('HSET', COUNTS, 'error', ARGV[5], 'error_at', NOW)
  call('HINCRBY', COUNTS, 'failed', 1)
  call('HINCRBY', COUNTS, 'buried', 1)
  return 1
end

-- revive: what is dead waits again, in its order. Answers how many.
if verb == 'revive' then
  local dead = call('ZRANGE', DEAD, 0, -1)
  for _, id in ipairs(dead) do
    call('ZADD', WAITING, NOW, id)
    call('HDEL', TRIES, id)
  end
  call('DEL', DEAD)
  call('HDEL', COUNTS, 'pause')
  return #dead
end

-- forget: what is dead is thrown away. Answers how many.
if verb == 'forget' then
  local dead = call('ZRANGE', DEAD, 0, -1)
  for _, id in ipairs(dead) do
    for _, hash in ipairs({ JOBS, ROOTS, TRIES }) do call('HDEL', hash, id) end
  end
  call('DEL', DEAD)
  return #dead
end

-- report: 3 most dead jobs. Answers {waiting, claimed, dead, tried, oldest due or '', counts, dead: id, try, …}.
if verb == 'report' then
  local oldest, dead = call('ZRANGE', WAITING, 0, 0, 'WITHSCORES')[2], {}
  for _, id in ipairs(call('ZREVRANGE', DEAD, 0, ARGV[3] - 1)) do
    dead[#dead + 1] = id
    dead[#dead + 1] = call('HGET', TRIES, id) or ''
  end
  return { call('ZCARD', WAITING), call('ZCARD', CLAIMED), call('ZCARD', DEAD), call('HLEN', TRIES), oldest or '',
    call('HGETALL', COUNTS), dead }
end
