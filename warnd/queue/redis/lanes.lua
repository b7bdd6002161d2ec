-- The lanes of one channel for all processes: a stream of ids for each place, read by one consumer group, and a sorted set of
-- those that wait for their time. A place is a lane and a rank in it, numbered by urgency; 0, 1 and 2 are red's.
--
-- KEYS[1]  what all keys of the channel begin with
-- ARGV     what is done, the channel, then
--          post NOW ROOM (PLACE ID DUE)...   -> for each 1, or 0 where there was no room
--          pop NOW WHO LOWER RED             -> when the next is due (or ''), then (PLACE ENTRY ID)...; at most so many of each
--          done (PLACE ENTRY ID)...          -> whoever had them popped is through with them
--          fill WHO IDLE                     -> nothing, or how many each place holds to the one process that fills them
-- NOW and DUE are microseconds of the processes' clock, IDLE milliseconds after which what was popped is offered again.

local PLACES, RANKS, IN_A_ROW = 15, 3, 19
local GROUP, AT_ONCE, LATER_ROOM, FILLS_FOR = 'workers', 1000, 131072, 3000

local prefix, op, channel = KEYS[1], ARGV[1], ARGV[2]
local held, later, turns, filler = prefix .. ':held', prefix .. ':later', prefix .. ':turns', prefix .. ':filler'

local function stream(place) return prefix .. ':' .. place end

local function append(place, id) redis.call('XADD', stream(place), '*', 'batch', id) end

local function finish(place, entry)
    redis.call('XACK', stream(place), GROUP, entry)
    redis.call('XDEL', stream(place), entry)
end

-- What is posted already, ready or waiting, is not posted again.
local function post(now, room, place, id, due)
    if redis.call('SISMEMBER', held, id) == 1 then return 1 end
    if tonumber(due) > now then
        if redis.call('ZCARD', later) >= LATER_ROOM then return 0 end
        redis.call('ZADD', later, due, place .. ':' .. id)
    else
        if redis.call('XLEN', stream(place)) >= room then return 0 end
        append(place, id)
    end
    redis.call('SADD', held, id)
    return 1
end

-- Each leaves the set as it enters its stream: nothing can come between.
local function ripen(now)
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', later, '-inf', now, 'LIMIT', 0, AT_ONCE)) do
        local place, id = string.match(member, '^(%d+):(.*)$')
        redis.call('ZREM', later, member)
        append(place, id)
    end
end

-- How many of each place nobody has popped.
local function waiting()
    local found = {}
    for place = 0, PLACES - 1 do
        local here = redis.call('XLEN', stream(place))
        if here > 0 then
            local pending = redis.pcall('XPENDING', stream(place), GROUP)
            if pending.err then
                redis.call('XGROUP', 'CREATE', stream(place), GROUP, '0')
                pending = {0}
            end
            here = here - pending[1]
        end
        found[place] = here
    end
    return found
end

local function first(found, from, to)
    for place = from, to do if found[place] > 0 then return place end end
end

-- Strictly the most urgent; but after nineteen in a row while a lower lane waits one of those, by turns.
local function next_place(found, row, latest)
    local top = first(found, 0, PLACES - 1)
    if not top then return nil end
    local below = (math.floor(top / RANKS) + 1) * RANKS
    local lower = first(found, below, PLACES - 1)
    if not lower then return top, nil end
    if row < IN_A_ROW then return top, IN_A_ROW - row end
    return first(found, math.max(below, (latest + 1) * RANKS), PLACES - 1) or lower, 0
end

local function pop(now, who, room)
    ripen(now)
    local found, taken = waiting(), {}
    local row, latest = unpack(redis.call('HMGET', turns, 'row', 'latest'))
    row, latest = tonumber(row) or 0, tonumber(latest) or 0
    while true do
        local place, run = next_place(found, row, latest)
        if not place then break end
        local lane = math.floor(place / RANKS)
        if run == 0 and room[false] <= 0 then  -- there are enough of them in hand, which has its own twentieth
            place, run = first(found, 0, PLACES - 1), nil
            lane = math.floor(place / RANKS)
        end
        local count = math.min(room[lane == 0], run and math.max(run, 1) or AT_ONCE, found[place])
        if count <= 0 then break end
        local read = redis.call('XREADGROUP', 'GROUP', GROUP, who, 'COUNT', count, 'STREAMS', stream(place), '>')
        local entries = read and read[1][2] or {}
        for _, entry in ipairs(entries) do
            for _, one in ipairs({place, entry[1], entry[2][2]}) do taken[#taken + 1] = one end
        end
        room[lane == 0] = room[lane == 0] - #entries
        found[place] = #entries < count and 0 or found[place] - #entries
        if run == 0 then row, latest = 0, lane elseif run then row = row + #entries else row = 0 end
    end
    redis.call('HSET', turns, 'row', row, 'latest', latest)
    local next_due = redis.call('ZRANGE', later, 0, 0, 'WITHSCORES')
    table.insert(taken, 1, next_due[2] or '')
    return taken
end

-- What was popped by whoever has died since: it is posted anew, behind the others.
local function offer_again(place, who, idle)
    local cursor = '0-0'
    repeat
        local answer = redis.call('XAUTOCLAIM', stream(place), GROUP, who, idle, cursor, 'COUNT', AT_ONCE)
        cursor = answer[1]
        for _, entry in ipairs(answer[2]) do
            append(place, entry[2][2])
            finish(place, entry[1])
        end
    until cursor == '0-0'
end

local function fill(who, idle)
    local present = redis.call('GET', filler)
    if present and present ~= who then return {} end
    redis.call('SET', filler, who, 'PX', FILLS_FOR)
    local found, sizes = waiting(), {}
    for place = 0, PLACES - 1 do
        sizes[place + 1] = redis.call('XLEN', stream(place))
        if sizes[place + 1] > found[place] then offer_again(place, who, idle) end
    end
    return sizes
end

if op == 'post' then
    local now, room, answer = tonumber(ARGV[3]), tonumber(ARGV[4]), {}
    for n = 5, #ARGV, 3 do
        answer[#answer + 1] = post(now, room, ARGV[n], ARGV[n + 1], ARGV[n + 2])
    end
    redis.call('PUBLISH', 'warnd:lanes', channel)
    return answer
elseif op == 'pop' then
    return pop(ARGV[3], ARGV[4], {[false] = tonumber(ARGV[5]), [true] = tonumber(ARGV[6])})
elseif op == 'done' then
    for n = 3, #ARGV, 3 do
        finish(ARGV[n], ARGV[n + 1])
        redis.call('SREM', held, ARGV[n + 2])
    end
    return 0
elseif op == 'fill' then
    return fill(ARGV[3], ARGV[4])
end
return redis.error_reply('unknown: ' .. op)
