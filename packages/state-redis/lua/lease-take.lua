--[[
lease-take: takes a lease that nobody has. One write command. Whoever has it by this very value gets it again: the
client sends a command a second time whose answer was lost.
KEYS[1]  the lease
ARGV     value (a random token, and who it is), time to live in milliseconds
Returns  1  taken
         0  somebody else has it
]]
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
