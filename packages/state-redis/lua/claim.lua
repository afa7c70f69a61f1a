--[[
claim: takes a partition over from whoever had it. One write command.
KEYS[1]  hash of the partition
ARGV     token, schema version, identity key for a partition that has none, hours that identities are remembered for:
         what was forgotten does not come back, so the least of all claims counts
Returns  { position or false, identity key, schema version }   claimed
         { -1, found version }                                 written by a newer version: nothing was changed
]]
local version, epoch, identity, position, hours = unpack(redis.call('HMGET', KEYS[1], 'v', 'e', 'k', 'o', 'h'))
if version and tonumber(version) > tonumber(ARGV[2]) then return { -1, version } end
if not hours or tonumber(ARGV[4]) < tonumber(hours) then hours = ARGV[4] end
redis.call('HSET', KEYS[1], 't', ARGV[1], 'v', ARGV[2], 'e', (epoch or 0) + 1, 'k', identity or ARGV[3], 'h', hours)
return { position, identity or ARGV[3], version or ARGV[2] }
