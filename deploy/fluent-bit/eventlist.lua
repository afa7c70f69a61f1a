-- Splits what the API server's audit webhook sends: one EventList becomes one record for each of its events, so that
-- each has its auditID as the key of its own record.
--
-- Fluent Bit calls `split` for every record of the http input. It writes an empty table as {}, so the arrays of an
-- event that may be empty are named in the filter's `type_array_key`.
--
-- Returns -1 to drop the record, 0 to leave it as it is, 2 and a list of records that keep its time.

local VERSIONS = { ["audit.k8s.io/v1"] = true, ["audit.k8s.io/v1beta1"] = true, ["audit.k8s.io/v1alpha1"] = true }

local function event_of(item, version)
  local event = {}
  -- A value that is no event goes on as it came: whoever reads the topic counts it as unreadable.
  if type(item) ~= "table" then
    event.item = item
    return event
  end
  for name, value in pairs(item) do
    -- What is an array goes on below a name, for a record is a map.
    if type(name) ~= "string" then
      return { item = item }
    end
    event[name] = value
  end
  event.kind = "Event"
  event.apiVersion = version
  return event
end

function split(tag, timestamp, record)
  if record.kind ~= "EventList" or not VERSIONS[record.apiVersion] or type(record.items) ~= "table" then
    return 0, timestamp, record
  end
  local last = 0
  -- A null among the items leaves a hole, at which # may end too early.
  for index in pairs(record.items) do
    if type(index) ~= "number" then
      return 0, timestamp, record
    end
    if index > last then
      last = index
    end
  end
  local events = {}
  for index = 1, last do
    local item = record.items[index]
    if item ~= nil then
      events[#events + 1] = event_of(item, record.apiVersion)
    end
  end
  if #events == 0 then
    return -1, timestamp, record
  end
  return 2, timestamp, events
end
