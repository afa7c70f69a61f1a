--[[
commit: one batch of a partition, whole: what it changed and the position after it. One write command, so that a
torn append-only file or a failover can never keep half of it. The values are absolute: the owner of the token is
the only one that writes, so it knows what they were.
KEYS[1]  hash of the partition
ARGV     token, position before ('' where there was none), then pairs: field, value (at most 3900; `o` among them)
Returns  1   committed
         -1  fenced: the partition has another owner
         -2  the state is not at that position: claim and load it again
]]
local token, position = unpack(redis.call('HMGET', KEYS[1], 't', 'o'))
if token ~= ARGV[1] then return -1 end
if (position or '') ~= ARGV[2] then return -2 end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
return 1
