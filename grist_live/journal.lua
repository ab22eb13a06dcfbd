-- The journal's one script: every change of a board goes through it, in one atomic step.
--
-- Redis runs it without interruption, but does NOT roll back: everything is computed first, and written at the end.
-- Row texts are opaque: JSON values, each followed by a TAB. They are split and compared, never parsed, because
-- Lua's JSON library loses digits and turns [] into {}.
--
-- KEYS   1 rows: hash, row id -> row text
--        2 log:  stream; its ids are the event ids, <epoch>-<counter>
--        3 meta: hash: run, epoch, n (counter), columns, born (when the board began here), filled (the document whose
--                whole table the rows are), changes (logged in all), last_change (epoch seconds), action and hash (the
--                document's state that the rows are of), exact (the counter at which they were), fence
--        4 keeper:   who keeps the board true to its document: "<name> <fence>", with an end
--        5 watching: there (with an end) while the keeper hears every action of the document: "<name> <fence>"
--        6 parked:   list of the webhook rows that wait meanwhile: "<microseconds> <row id> <row text>"
--        7 owed:     hash, row id (or *) -> count
-- ARGV   1 verb, 2 channel, then what the verb needs

local ROWS, LOG, META, KEEPER, WATCHING, PARKED, OWED = unpack(KEYS)
local call, match, gmatch, find, concat = redis.call, string.match, string.gmatch, string.find, table.concat
local verb, CHANNEL = ARGV[1], ARGV[2]

local meta = call('HMGET', META, 'run', 'epoch', 'n', 'columns', 'filled', 'action', 'exact')
local epoch, n = meta[2], tonumber(meta[3] or 0)

-- A new epoch tells every viewer to fetch the snapshot again. Its number only has to be greater than any before it:
-- Redis's own clock gives that, also after the memory of the old one was lost.
local function renew(run)
  local now, last = call('TIME'), call('XREVRANGE', LOG, '+', '-', 'COUNT', 1)[1]
  local number = now[1] * 1000000 + now[2]
  number = math.max(number, tonumber(epoch or 0) + 1, last and tonumber(match(last[1], '^%d+')) + 1 or 0)
  epoch, n = string.format('%.0f', number), 0 -- tostring() would lose digits
  call('HSET', META, 'run', run, 'epoch', epoch, 'n', 0)
  call('HDEL', META, 'exact')
end

-- This is another Redis than the one that wrote the epoch (first contact, restart, failover, restored backup): its
-- last entries may be lost, and the numbers after them given again to other changes.
local run = match(call('INFO', 'replication'), 'master_replid:(%w+)')
if meta[1] ~= run then renew(run) end

local function publish_reset()
  call('PUBLISH', CHANNEL, epoch .. ' ' .. n .. ' ' .. n .. ' reset\n')
end

local function split(text)
  local parts = {}
  for value in gmatch(text, '([^\t]*)\t') do parts[#parts + 1] = value end
  return parts
end

---------------------------------------------------------------------------------------------------- reading verbs

if verb == 'head' then
  return { epoch, n, meta[5] or '', call('HGET', META, 'born') or '' }
end

-- resume: 3 epoch, 4 counter, 5 most entries. Answers {epoch, n, entries}, or {epoch, n} when there is a hole: the
-- counters are dense, so any entry that was trimmed or lost shows as a wrong count.
if verb == 'resume' then
  local from, most = tonumber(ARGV[4]), tonumber(ARGV[5])
  if ARGV[3] == epoch and from <= n and n - from <= most then
    local entries = call('XRANGE', LOG, '(' .. epoch .. '-' .. ARGV[4], '+')
    if #entries == n - from then return { epoch, n, entries } end
  end
  return { epoch, n }
end

--------------------------------------------------------------------------------------------- the keeper of a board

-- keep: 3 name, 4 milliseconds. Takes or keeps the lease; answers the fence ("<name> <number>"), or '' when another
-- holds it. The number tells a holder that was paused from the one that came after it.
if verb == 'keep' then
  local fence = call('GET', KEEPER)
  if not fence then
    fence = ARGV[3] .. ' ' .. call('HINCRBY', META, 'fence', 1)
    call('DEL', WATCHING) -- what another heard is no longer told
  elseif match(fence, '^(.*) %d+$') ~= ARGV[3] then
    return ''
  end
  call('SET', KEEPER, fence, 'PX', ARGV[4])
  if call('GET', WATCHING) == fence then call('PEXPIRE', WATCHING, ARGV[4]) end
  return fence
end

-- let_go: 3 fence.
if verb == 'let_go' then
  if call('GET', WATCHING) == ARGV[3] then call('DEL', WATCHING) end
  if call('GET', KEEPER) == ARGV[3] then call('DEL', KEEPER) end
  return 1
end

-- watch: 3 fence, 4 milliseconds (0: no more). From now on webhook rows are parked. Answers whether it holds.
if verb == 'watch' then
  if call('GET', KEEPER) ~= ARGV[3] then return 0 end
  if ARGV[4] == '0' then call('DEL', WATCHING) else call('SET', WATCHING, ARGV[3], 'PX', ARGV[4]) end
  return 1
end

-- confirm: 3 fence, 4 microseconds. The rows are those of a state at this time or later, so whatever was parked
-- before it is known.
if verb == 'confirm' then
  if call('GET', WATCHING) ~= ARGV[3] then return 0 end
  while true do
    local oldest = call('LINDEX', PARKED, 0)
    if not oldest or tonumber(match(oldest, '^%d+')) > tonumber(ARGV[4]) then return 1 end
    call('LPOP', PARKED)
  end
end

-------------------------------------------------------------------------------------------------- changing verbs

-- adopt: 3 the column ids, each followed by a TAB. When the board's columns are others than those of the stored rows,
-- the rows are laid out anew; what a new column holds is not known yet, so the document must be read again.
if verb == 'adopt' then
  if meta[4] == ARGV[3] then return { epoch, n, 0 } end
  if meta[4] then
    local old, position = split(meta[4]), {}
    for i, id in ipairs(old) do position[id] = i end
    local new, rows = split(ARGV[3]), call('HGETALL', ROWS)
    for i = 1, #rows, 2 do
      local values, out = split(rows[i + 1]), {}
      for j, id in ipairs(new) do out[j] = position[id] and values[position[id]] or 'null' end
      call('HSET', ROWS, rows[i], concat(out, '\t') .. '\t')
    end
    renew(run)
    call('HDEL', META, 'filled', 'action', 'hash')
  end
  call('HSET', META, 'columns', ARGV[3])
  call('HSETNX', META, 'born', call('TIME')[1])
  publish_reset()
  return { epoch, n, 1 }
end

-- filled: 3 the document. The snapshot is now that document's whole table.
if verb == 'filled' then
  renew(run)
  call('HSET', META, 'filled', ARGV[3])
  if meta[6] then call('HSET', META, 'exact', 0) end
  publish_reset()
  return { epoch, n }
end

-- commit: 3 source, 4 time, 5 column ids, 6 position of updated_at (0: none), 7 most log entries,
--         8 '1': an older row is left out and answered as suspect, 9 epoch and counter before the rows were read ('':
--         no matter), 10 '1': first fill (not logged), 11 '1': answer the whole changed rows,
--         12 most changes at once for viewers, 13 by whom (JSON, or ''), 14 action number and 15 hash of the document's
--         state ('': unknown), 16 what the state is: 'next' (one action more than ours), 'whole' (ours or a later one),
--         'anew' (of another history); a trailing '+' means that more batches of it follow, 17 fence ('': none),
--         18 most parked rows, 19 the request that they came by (for our own logs), then row id, row text ('' = removed) for each row.
-- Answers {epoch, n, new, unchanged, suspect ids, skipped ids, parked, changed: id, action, row text, …}
-- or {'columns', stored ids} or {'epoch'} or {'fenced'} or {'old'} (the state is not above ours) or {'gap'}.
local SOURCE, AT, COLUMNS, UPDATED = ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local first, filling = 20, ARGV[10] == '1'
if meta[4] ~= COLUMNS then return { 'columns', meta[4] or '' } end
if ARGV[17] ~= '' and call('GET', KEEPER) ~= ARGV[17] then return { 'fenced' } end
if SOURCE == 'watch' and call('GET', WATCHING) ~= ARGV[17] then return { 'fenced' } end

local number, ours = tonumber(ARGV[14]), tonumber(meta[6])
local state, more = match(ARGV[16], '^(%a*)(%+?)$')
if number and state ~= 'anew' then
  if ours and (number < ours or (state == 'next' and number == ours)) then return { 'old' } end
  if state == 'next' and number - 1 ~= ours then return { 'gap' } end
end
local keys = {}
for id in gmatch(COLUMNS, '([^\t]*)\t') do keys[#keys + 1] = '"' .. id .. '":' end

-- Rows that were pushed after the whole table was read are newer than the reading: they are skipped.
local newer = {}
if ARGV[9] ~= '' then
  local e, c = match(ARGV[9], '^(%d+)-(%d+)$')
  local entries = e == epoch and call('XRANGE', LOG, '(' .. ARGV[9], '+') or {}
  if e ~= epoch or #entries ~= n - tonumber(c) then return { 'epoch' } end
  for _, entry in ipairs(entries) do
    local f = entry[2] -- r, row, s, source, …
    if f[4] ~= SOURCE then newer[f[2]] = true end
  end
end

-- Webhooks are late by nature. While the keeper hears every action, their rows wait until it has confirmed a time
-- after them; when it stopped hearing, those that still wait go first.
local ids, texts, stored, unparked = {}, {}, {}, {}
local waiting = SOURCE == 'webhook' and call('EXISTS', WATCHING, PARKED) > 0
local parking = waiting and call('EXISTS', WATCHING) == 1
if waiting and not parking then
  for _, entry in ipairs(call('LRANGE', PARKED, 0, -1)) do
    ids[#ids + 1], texts[#texts + 1] = match(entry, '^%d+ (%d+) (.*)$')
    unparked[#unparked + 1] = ids[#ids]
  end
end
for i = first, #ARGV, 2 do ids[#ids + 1], texts[#texts + 1] = ARGV[i], ARGV[i + 1] end
if #ids > 0 then stored = call('HMGET', ROWS, unpack(ids)) end

local seen = {}                        -- rows as this batch has left them (false: removed)
local set, gone, log = {}, {}, {}      -- what will be written
local suspects, skipped, unchanged, later, owe = {}, {}, 0, {}, {}

local function members(from, to, values)
  local out = {}
  for i = from, to do out[#out + 1] = keys[i] .. values[i] end
  return '{' .. concat(out, ',') .. '}'
end

for i = 1, #ids do
  local id, new = ids[i], texts[i]
  local old = seen[id]
  if old == nil then old = stored[i] end
  if newer[id] then
    skipped[#skipped + 1], owe[#owe + 1] = id, id
  elseif new == '' then
    if old then
      seen[id], gone[id], set[id] = false, true, nil
      local values = split(old)
      log[#log + 1] = { id, 'remove', '{}', members(1, #keys, values), old }
    else
      unchanged = unchanged + 1
    end
  elseif parking then
    local values, was, same = split(new), split(old or ''), old
    for j = 1, #keys do
      if values[j] ~= '' and values[j] ~= was[j] and j ~= UPDATED then same = false end
    end
    if same then unchanged = unchanged + 1 else later[#later + 1] = id .. ' ' .. new end
  elseif not old and SOURCE == 'watch' and find('\t' .. new, '\t\t', 1, true) then
    owe[#owe + 1] = id -- a part of a row that we don't have
  elseif not old then
    local values = split(new)
    for j = 1, #keys do if values[j] == '' then values[j] = 'null' end end
    local text = concat(values, '\t') .. '\t'
    seen[id], set[id], gone[id] = text, text, nil
    log[#log + 1] = { id, 'add', members(1, #keys, values), '{}', text }
  elseif old == new then
    unchanged = unchanged + 1
  else
    local was, now, fields, olds, touched = split(old), split(new), {}, {}, false
    for j = 1, #keys do
      if now[j] == '' then
        now[j] = was[j]
      elseif now[j] ~= was[j] then
        fields[#fields + 1], olds[#olds + 1] = keys[j] .. now[j], keys[j] .. was[j]
        touched = touched or j ~= UPDATED
      end
    end
    local before, after = tonumber(was[UPDATED]), tonumber(now[UPDATED])
    if ARGV[8] == '1' and before and after and after < before then
      suspects[#suspects + 1] = id
    elseif #fields == 0 then
      unchanged = unchanged + 1
    else
      local text = concat(now, '\t') .. '\t'
      seen[id], set[id] = text, text
      if touched then
        log[#log + 1] = { id, 'update', '{' .. concat(fields, ',') .. '}', '{' .. concat(olds, ',') .. '}', text }
      else
        unchanged = unchanged + 1 -- the hourly NOW(): nothing that anybody wants to see
      end
    end
  end
end

-------------------------------------------------------------------------------------------------- from here: writes

local pairs_, removed = {}, {}
for id, text in pairs(set) do pairs_[#pairs_ + 1] = id pairs_[#pairs_ + 1] = text end
for id in pairs(gone) do removed[#removed + 1] = id end
if #pairs_ > 0 then call('HSET', ROWS, unpack(pairs_)) end
if #removed > 0 then call('HDEL', ROWS, unpack(removed)) end

if #later > 0 then
  local now = call('TIME')
  local time = string.format('%.0f', now[1] * 1000000 + now[2])
  for i, entry in ipairs(later) do later[i] = time .. ' ' .. entry end
  local over = call('RPUSH', PARKED, unpack(later)) - tonumber(ARGV[18])
  if over > 0 then
    call('LTRIM', PARKED, over, -1)
    owe[#owe + 1] = '*'
  end
end
if #unparked > 0 then call('DEL', PARKED) end
for _, some in ipairs({ owe, unparked }) do
  for _, id in ipairs(some) do call('HINCRBY', OWED, id, 1) end
end

local renewed = state == 'anew' and more == ''
if renewed then renew(run) end
local changed = {}
if #log > 0 and not filling then
  call('HSET', META, 'n', n + #log, 'last_change', AT)
  call('HINCRBY', META, 'changes', #log)
  local before, frames, rows = n, {}, {}
  local by = ARGV[13] ~= '' and ',"by":' .. ARGV[13] or ''
  local first_seen = SOURCE == 'webhook' and not meta[5] and ',"first_seen":true' or ''
  for _, entry in ipairs(log) do
    local id, action, fields, was, text = unpack(entry)
    n = n + 1
    local event = epoch .. '-' .. n
    local data = '{"action":"' .. action .. '","row":' .. id .. ',"fields":' .. fields .. ',"was":' .. was ..
      ',"at":' .. AT .. ',"source":"' .. SOURCE .. '"' .. by .. (action == 'add' and first_seen or '') .. '}'
    call('XADD', LOG, 'MAXLEN', '~', ARGV[7], event, 'r', id, 's', SOURCE, 't', AT, 'd', data, 'v', text, 'q', ARGV[19])
    frames[#frames + 1] = 'id:' .. event .. '\ndata:' .. data .. '\n\n'
    rows[#rows + 1] = text .. '\n'
    if ARGV[11] == '1' then
      changed[#changed + 1] = id
      changed[#changed + 1] = action
      changed[#changed + 1] = text
    end
  end
  if #log > tonumber(ARGV[12]) then
    renewed = true
  else
    call('PUBLISH', CHANNEL, epoch .. ' ' .. before .. ' ' .. n .. ' changes ' .. AT .. '\n' .. concat(frames) .. concat(rows))
  end
end
if renewed then publish_reset() end

if number and more == '' then
  call('HSET', META, 'action', ARGV[14], 'hash', ARGV[15])
  -- Rows that a webhook changed since then are not of the state, until a reading has looked at them.
  if state ~= 'next' or tonumber(meta[7]) == n - #log then call('HSET', META, 'exact', n) end
end
return { epoch, n, #log, unchanged, suspects, skipped, #later, changed }
