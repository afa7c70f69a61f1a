--[[
alerts-claim: takes what is remembered of a cluster for alerts over from whoever had it. One write command.
KEYS[1]  hash of the cluster
ARGV     token, version of the layout
Returns  { 1, field, value, … }   claimed: everything in it
         { -1, found version }    written by a newer version: nothing was changed
]]
local version = redis.call('HGET', KEYS[1], 'v')
if version and tonumber(version) > tonumber(ARGV[2]) then return { -1, version } end
redis.call('HSET', KEYS[1], 't', ARGV[1], 'v', ARGV[2])
local all = redis.call('HGETALL', KEYS[1])
table.insert(all, 1, 1)
return all
