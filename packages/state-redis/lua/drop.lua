--[[
drop: removes fields that mean nothing any more at a position (what stood in them is forgotten or was never read
again). One write command. It checks the position, for a Redis that went back in time may still need them.
KEYS[1]  hash of the partition
ARGV     token, position, then fields (at most 7000)
Returns  as commit
]]
local token, position = unpack(redis.call('HMGET', KEYS[1], 't', 'o'))
if token ~= ARGV[1] then return -1 end
if (position or '') ~= ARGV[2] then return -2 end
redis.call('HDEL', KEYS[1], unpack(ARGV, 3))
return 1
