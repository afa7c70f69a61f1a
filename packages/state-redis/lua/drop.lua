--[[
drop: removes fields that mean nothing any more at a revision (what stood in them is forgotten, stands elsewhere or was
never read again). One write command. It checks the revision, for a Redis that went back in time may still need them.
KEYS[1]  hash of the partition
ARGV     token, position, revision, then fields (at most 7000)
Returns  as commit
]]
local token, position, revision = unpack(redis.call('HMGET', KEYS[1], 't', 'o', 'r'))
if token ~= ARGV[1] then return -1 end
if (position or '') ~= ARGV[2] or (revision or '0') ~= ARGV[3] then return -2 end
redis.call('HDEL', KEYS[1], unpack(ARGV, 4))
return 1
