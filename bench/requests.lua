-- Requests that differ, as real ones do: a page number, a request id and a trace context each.
local requests, count, at = {}, 997, 0
local function hex(length)
  local digits = {}
  for k = 1, length do digits[k] = string.format("%x", math.random(0, 15)) end
  return table.concat(digits)
end
init = function()
  for k = 1, count do
    local headers = {}
    for name, value in pairs(wrk.headers) do headers[name] = value end
    headers["User-Agent"] = "acme-sync/2.4.1 (python-requests 2.32)"
    headers["Accept"] = "application/json"
    headers["Accept-Encoding"] = "gzip, deflate"
    headers["X-Request-Id"] = hex(32)
    headers["Traceparent"] = "00-" .. hex(32) .. "-" .. hex(16) .. "-01"
    requests[k] = wrk.format("GET", wrk.path .. "?page=" .. k .. "&per_page=50", headers)
  end
end
request = function()
  at = at % count + 1
  return requests[at]
end
