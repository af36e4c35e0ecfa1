-- Sends the requests of a file (METHOD, path, body, separated by tabs) in random order, and prints
-- what it counted as one line of JSON. Arguments: the file, the API key.

local threads = {}

function setup(thread)
   thread:set("number", #threads)
   table.insert(threads, thread)
end

function init(args)
   local headers = { ["Authorization"] = "Bearer " .. args[2] }
   local with_body = { ["Authorization"] = headers["Authorization"], ["Content-Type"] = "application/json" }
   requests = {}
   for line in io.lines(args[1]) do
      local method, path, body = line:match("^(%u+)\t([^\t]+)\t?(.*)$")
      if body == "" then
         requests[#requests + 1] = wrk.format(method, path, headers)
      else
         requests[#requests + 1] = wrk.format(method, path, with_body, body)
      end
   end
   refused = 0
   math.randomseed(os.time() * 100 + number)
end

function request()
   return requests[math.random(#requests)]
end

function response(status)
   if status ~= 200 then refused = refused + 1 end
end

function done(summary, latency)
   local refused = 0
   for _, thread in ipairs(threads) do refused = refused + thread:get("refused") end
   local errors = summary.errors
   io.write(string.format(
      '{"requests": %d, "seconds": %.6f, "refused": %d, "broken": %d, ' ..
      '"p50": %.3f, "p90": %.3f, "p99": %.3f, "longest": %.3f}\n',
      summary.requests, summary.duration / 1e6, refused,
      errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50) / 1000, latency:percentile(90) / 1000, latency:percentile(99) / 1000,
      latency.max / 1000))
end
