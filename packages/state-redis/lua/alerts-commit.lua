--[[
alerts-commit: what is remembered of a cluster for alerts from now on. One write command. The values are absolute.
KEYS[1]  hash of the cluster
ARGV     token, then pairs: field, value (at most 3900); an empty value says that the field is not there
Returns  1   committed
         -1  fenced: somebody else has taken it over
]]
if redis.call('HGET', KEYS[1], 't') ~= ARGV[1] then return -1 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
