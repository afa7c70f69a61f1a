--[[
commit: one batch of a partition, whole: what it changed and the position after it. One write command, so that a
torn append-only file or a failover can never keep half of it. The values are absolute: the owner of the token is
the only one that writes, so it knows what they were.
KEYS[1]  hash of the partition
ARGV     token, position before ('' where there was none), revision before ('0' where there was none), then pairs:
         field, value (at most 3900; `o` and `r` among them)
Returns  1   committed
         -1  fenced: the partition has another owner
         -2  the state is not at that position, or not at that revision (several commits may stand at one position, and
             each relies on the one before it): claim and load it again
]]
local token, position, revision = unpack(redis.call('HMGET', KEYS[1], 't', 'o', 'r'))
if token ~= ARGV[1] then return -1 end
if (position or '') ~= ARGV[2] or (revision or '0') ~= ARGV[3] then return -2 end
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
return 1
