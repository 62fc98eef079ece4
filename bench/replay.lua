-- Sends prepared requests, one after the other, each exactly once: making them here (HMAC in Lua)
-- would take the processor from the server that is measured.
-- Arguments: file, bytes per request, first request, requests per thread.

local threads = 0

function setup(thread)
   thread:set("slice", threads)
   threads = threads + 1
end

function init(args)
   size = tonumber(args[2])
   left = tonumber(args[4])
   file = assert(io.open(args[1], "rb"))
   file:seek("set", (tonumber(args[3]) + slice * left) * size)
end

function request()
   if left == 0 then
      error("more requests were sent than prepared")
   end
   left = left - 1
   return file:read(size)
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "microseconds": %d, "not_2xx": %d, "broken": %d, "p50": %d, "p99": %d}\n',
      summary.requests, summary.duration, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50), latency:percentile(99)))
end
