--[[
lease-renew: lets a lease live on from now. One write command. One that is gone is not taken again: somebody else may
have had it meanwhile.
KEYS[1]  the lease
ARGV     value, time to live in milliseconds
Returns  1  renewed
         0  it is gone, or somebody else has it
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
