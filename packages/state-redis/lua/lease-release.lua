--[[
lease-release: ends a lease at once, if it is still ours. One write command.
KEYS[1]  the lease
ARGV     value
Returns  1  released
         0  it was gone already, or somebody else has it
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('UNLINK', KEYS[1])
return 1
