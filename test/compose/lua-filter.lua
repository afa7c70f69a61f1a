-- Calls the filter as Fluent Bit does (src/flb_lua.c, plugins/filter_lua): a record becomes a table, null becomes nil;
-- what comes back is written as arrays where a table has a number among its keys, or below a name of type_array_key, and
-- as a map elsewhere.
--
-- lua-filter.lua FILTER: reads records from standard input, one token a line (t f z for true, false and null; nNUMBER;
-- sHEX; [ … ]; { key value … }), and writes a line for each: the code, a tab, JSON.
local ARRAYS = { groups = true, sourceIPs = true }

dofile(arg[1])

local function text(hex)
  return (hex:gsub("..", function(pair) return string.char(tonumber(pair, 16)) end))
end

local function read_value(line)
  local kind, rest = line:sub(1, 1), line:sub(2)
  if kind == "s" then return text(rest) end
  if kind == "n" then return rest == "nan" and 0 / 0 or tonumber(rest) end
  if kind == "t" then return true end
  if kind == "f" then return false end
  if kind == "z" then return nil end
  local value = {}
  if kind == "[" then
    local index = 0
    for item in io.lines() do
      if item == "]" then return value end
      index = index + 1
      value[index] = read_value(item)
    end
  end
  for key in io.lines() do
    if key == "}" then return value end
    value[text(key:sub(2))] = read_value(io.read("*l"))
  end
end

local function quoted(string)
  return '"' .. string:gsub('[%c"\\]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
end

local function write(value, out, is_array)
  local kind = type(value)
  if kind == "string" then out[#out + 1] = quoted(value)
  elseif kind == "number" then out[#out + 1] = value ~= value and "null" or ("%.17g"):format(value)
  elseif kind ~= "table" then out[#out + 1] = tostring(value == nil and "null" or value)
  elseif is_array or table.maxn(value) > 0 then
    out[#out + 1] = "["
    for index = 1, table.maxn(value) do
      if index > 1 then out[#out + 1] = "," end
      write(value[index], out)
    end
    out[#out + 1] = "]"
  else
    out[#out + 1] = "{"
    local separator = ""
    for key, each in pairs(value) do
      out[#out + 1] = separator .. quoted(key) .. ":"
      write(each, out, type(each) == "table" and ARRAYS[key])
      separator = ","
    end
    out[#out + 1] = "}"
  end
end

for line in io.lines() do
  local code, timestamp, record = split("audit.webhook", 1.5, read_value(line))
  assert(timestamp == 1.5)
  local out = {}
  write(record, out)
  print(code .. "\t" .. table.concat(out))
end
