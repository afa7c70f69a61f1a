--[[
alerts-drop: removes fields whose values are empty. One write command.
KEYS[1]  hash of the cluster
ARGV     token, then fields (at most 7000)
Returns  as alerts-commit
]]
if redis.call('HGET', KEYS[1], 't') ~= ARGV[1] then return -1 end
redis.call('HDEL', KEYS[1], unpack(ARGV, 2))
return 1
