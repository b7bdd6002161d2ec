-- One channel's pace for all processes: its tokens, its rests, its breaker with one probe. Decided by this server's clock.
--
-- KEYS[1]  the channel's hash
-- ARGV     what is done, the channel, who does it (an id new for each life), its tokens a second (0: no limit); then
--          draw COST RED EXTRA PATIENCE | give_back TOKENS PROBE | failed PROBE | lived | throttled WAIT | paused WAIT | look
-- Returns  granted tokens, seconds to wait, whether this is the probe, whether all was forgotten; then the state:
--          rest, share, seconds since it shrank, failures, the breaker's rest and its next one, how long it is down, paused
--
-- Times are seconds; answers are text, for a number would lose its fraction.

local LEAST_SHARE, RECOVERY, SHRINKS_AT_MOST_EVERY = 0.05, 60, 1
local FAILURES_TO_OPEN, FIRST_REST, LONGEST_REST = 5, 1, 30
local RED_SHARE, ASKS_AGAIN, TURN = 0.25, 0.2, 0.05

local key, op, channel, who, rate = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000

local size = math.max(1, rate / 5)
local kept = size < 2 and 0 or size * RED_SHARE

local s = {
    at = now, level = 0, owed = 0, share = 1, shrunk = 0, rest = 0, failures = 0, dead = 0, span = FIRST_REST,
    probe_until = 0, down = 0, paused = 0, turn_red = 0, turn_until = 0,
}
local names = {probe = '', turn = ''}
local found = redis.call('HGETALL', key)
local forgotten = #found == 0
for n = 1, #found, 2 do
    if names[found[n]] then names[found[n]] = found[n + 1] else s[found[n]] = tonumber(found[n + 1]) end
end

if now < s.at then  -- the clock was set back: what was to last goes on lasting as long, and no longer
    for _, name in ipairs({'shrunk', 'rest', 'dead', 'probe_until', 'down', 'paused', 'turn_until'}) do
        if s[name] > 0 then s[name] = s[name] - (s.at - now) end
    end
    s.at = now
end

local function share()
    return s.share < 1 and math.min(1, s.share + (now - s.shrunk) / RECOVERY) or 1
end

local function add(tokens)
    s.level = s.level + tokens
    local over = s.level - size
    if over > 0 then
        s.level = size
        s.owed = math.max(0, s.owed - over)
    end
end

local function rest_from_now()
    s.dead = now + s.span
    s.span = math.min(s.span * 2, LONGEST_REST)
end

add((now - s.at) * rate * share())
s.at = now

-- Seconds until the bucket has this cost; what is dearer than the bucket goes when that is full.
local function missing(cost, red)
    if red then return math.min(cost, size) - s.level end
    if s.owed > 0 then return size - s.level + s.owed end
    return math.min(cost, size - kept) + kept - s.level
end

-- Who waits has his turn until he can have come back: nobody may keep the bucket low under a dear batch, nor blue under red.
local function another_has_the_turn(red)
    return names.turn ~= who and s.turn_until > now and (s.turn_red == 1 or not red)
end

local function pay(cost, red, extra)
    local paid = red and cost or math.min(cost, math.max(s.level - kept, 0))
    s.level = s.level - paid
    s.owed = s.owed + cost - paid
    local more = math.min(extra, math.max(0, s.level - (red and 0 or kept)))
    s.level = s.level - more
    return cost + more
end

local function take(cost, red, extra)
    if rate == 0 then return cost, 0 end
    if another_has_the_turn(red) then return 0, s.turn_until - now end
    -- Others may give back what they drew, or want their turn no more: nobody is sent away for long.
    local wait = math.min(missing(cost, red) / (rate * share()), ASKS_AGAIN)
    if wait > 0 then
        names.turn, s.turn_red, s.turn_until = who, red and 1 or 0, now + wait + TURN
        return 0, wait
    end
    if names.turn == who then s.turn_until = 0 end
    return pay(cost, red, extra), 0
end

local function draw(cost, red, extra, patience)
    if s.rest > now then return 0, s.rest - now, false end
    local open = s.failures >= FAILURES_TO_OPEN
    if open and s.dead > now then return 0, s.dead - now, false end
    if open and names.probe ~= '' and names.probe ~= who and s.probe_until > now then
        return 0, math.min(s.probe_until - now, ASKS_AGAIN), false
    end
    local granted, wait = take(cost, red, open and 0 or extra)
    local probe = open and wait <= 0
    if probe then names.probe, s.probe_until = who, now + patience end
    return granted, wait, probe
end

local granted, wait, probe, changed = 0, 0, false, false
local a, b, c, d = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
if op == 'draw' then
    granted, wait, probe = draw(tonumber(a), b == '1', tonumber(c), tonumber(d))
elseif op == 'give_back' then
    local excused = math.min(s.owed, tonumber(a))
    s.owed = s.owed - excused
    add(a - excused)
    if b == '1' and names.probe == who then names.probe = '' end
elseif op == 'failed' then
    if s.failures < FAILURES_TO_OPEN then
        s.failures, changed = s.failures + 1, true
        if s.failures == FAILURES_TO_OPEN then
            s.down = now
            rest_from_now()
        end
    elseif a == '1' and names.probe == who then
        names.probe, changed = '', true
        rest_from_now()
    end
elseif op == 'lived' then
    changed = s.failures > 0 or s.paused > 0
    s.failures, s.span, s.down, s.paused, names.probe = 0, FIRST_REST, 0, 0, ''
elseif op == 'throttled' then
    s.rest, changed = math.max(s.rest, now + tonumber(a)), true
    if now - s.shrunk > SHRINKS_AT_MOST_EVERY then
        s.share, s.shrunk = math.max(share() / 2, LEAST_SHARE), now
    end
elseif op == 'paused' then
    s.rest, changed = math.max(s.rest, now + tonumber(a)), true
    if s.paused == 0 then s.paused = now end
end

local fields = {'probe', names.probe, 'turn', names.turn}
for name, value in pairs(s) do
    fields[#fields + 1] = name
    fields[#fields + 1] = string.format('%.6f', value)
end
redis.call('HSET', key, unpack(fields))
if changed then redis.call('PUBLISH', 'warnd:paces', channel) end

local answer = {
    granted, wait, probe and 1 or 0, forgotten and 1 or 0, math.max(0, s.rest - now), s.share, now - s.shrunk, s.failures,
    math.max(0, s.dead - now), s.span, s.down > 0 and now - s.down or -1, s.paused > 0 and now - s.paused or -1,
}
for n, value in ipairs(answer) do answer[n] = string.format('%.6f', value) end
return answer
