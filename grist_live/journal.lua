-- The journal's one script: every change of a board goes through it, in one atomic step.
--
-- Redis runs it without interruption, but does NOT roll back: everything is computed first, and written at the end.
-- Row texts are opaque: JSON values, each followed by a TAB. They are split and compared, never parsed, because
-- Lua's JSON library loses digits and turns [] into {}.
--
-- KEYS   1 rows: hash, row id -> row text
--        2 log:  stream; its ids are the event ids, <epoch>-<counter>
--        3 meta: hash: run, epoch, n (counter), columns, born (when the board began here), filled (the document whose
--                whole table the rows are), changes (logged in all), last_change (epoch seconds)
-- ARGV   1 verb, 2 channel, then what the verb needs

local ROWS, LOG, META = KEYS[1], KEYS[2], KEYS[3]
local call, match, gmatch, concat = redis.call, string.match, string.gmatch, table.concat
local verb, CHANNEL = ARGV[1], ARGV[2]

local meta = call('HMGET', META, 'run', 'epoch', 'n', 'columns', 'filled')
local epoch, n = meta[2], tonumber(meta[3] or 0)

-- A new epoch tells every viewer to fetch the snapshot again. Its number only has to be greater than any before it:
-- Redis's own clock gives that, also after the memory of the old one was lost.
local function renew(run)
  local now, last = call('TIME'), call('XREVRANGE', LOG, '+', '-', 'COUNT', 1)[1]
  local number = now[1] * 1000000 + now[2]
  number = math.max(number, tonumber(epoch or 0) + 1, last and tonumber(match(last[1], '^%d+')) + 1 or 0)
  epoch, n = string.format('%.0f', number), 0 -- tostring() would lose digits
  call('HSET', META, 'run', run, 'epoch', epoch, 'n', 0)
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
    call('HDEL', META, 'filled')
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
  publish_reset()
  return { epoch, n }
end

-- commit: 3 source, 4 time, 5 column ids, 6 position of updated_at (0: none), 7 most log entries,
--         8 '1': an older row is left out and answered as suspect, 9 epoch and counter before the rows were read ('':
--         no matter), 10 '1': first fill (not logged), 11 '1': answer the whole changed rows,
--         12 most changes at once for viewers, then row id, row text ('' = removed) for each row.
-- Answers {epoch, n, new, unchanged, suspect ids, skipped ids, changed: id, action, row text, …} or
-- {'columns', stored ids} or {'epoch'}.
local SOURCE, AT, COLUMNS, UPDATED = ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local first, filling = 13, ARGV[10] == '1'
if meta[4] ~= COLUMNS then return { 'columns', meta[4] or '' } end
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

local ids, stored = {}, {}
for i = first, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
if #ids > 0 then stored = call('HMGET', ROWS, unpack(ids)) end

local seen = {}                        -- rows as this batch has left them (false: removed)
local set, gone, log = {}, {}, {}      -- what will be written
local suspects, skipped, unchanged = {}, {}, 0

local function members(from, to, values)
  local out = {}
  for i = from, to do out[#out + 1] = keys[i] .. values[i] end
  return '{' .. concat(out, ',') .. '}'
end

for i = 1, #ids do
  local id, new = ids[i], ARGV[first + 2 * i - 1]
  local old = seen[id]
  if old == nil then old = stored[i] end
  if newer[id] then
    skipped[#skipped + 1] = id
  elseif new == '' then
    if old then
      seen[id], gone[id], set[id] = false, true, nil
      local values = split(old)
      log[#log + 1] = { id, 'remove', '{}', members(1, #keys, values), old }
    else
      unchanged = unchanged + 1
    end
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

local changed = {}
if #log > 0 and not filling then
  call('HSET', META, 'n', n + #log, 'last_change', AT)
  call('HINCRBY', META, 'changes', #log)
  local before, frames, rows = n, {}, {}
  local first_seen = SOURCE == 'webhook' and not meta[5] and ',"first_seen":true' or ''
  for _, entry in ipairs(log) do
    local id, action, fields, was, text = unpack(entry)
    n = n + 1
    local event = epoch .. '-' .. n
    local data = '{"action":"' .. action .. '","row":' .. id .. ',"fields":' .. fields .. ',"was":' .. was ..
      ',"at":' .. AT .. ',"source":"' .. SOURCE .. '"' .. (action == 'add' and first_seen or '') .. '}'
    call('XADD', LOG, 'MAXLEN', '~', ARGV[7], event, 'r', id, 's', SOURCE, 't', AT, 'd', data, 'v', text)
    frames[#frames + 1] = 'id:' .. event .. '\ndata:' .. data .. '\n\n'
    rows[#rows + 1] = text .. '\n'
    if ARGV[11] == '1' then
      changed[#changed + 1] = id
      changed[#changed + 1] = action
      changed[#changed + 1] = text
    end
  end
  if #log > tonumber(ARGV[12]) then
    publish_reset()
  else
    call('PUBLISH', CHANNEL, epoch .. ' ' .. before .. ' ' .. n .. ' changes ' .. AT .. '\n' .. concat(frames) .. concat(rows))
  end
end
return { epoch, n, #log, unchanged, suspects, skipped, changed }
