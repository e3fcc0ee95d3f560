-- Where wrk connects (the loopback address, whatever the name in the URL says) and what it prints at the end.
wrk.resolve = function(_, service)
  wrk.addrs = wrk.lookup("127.0.0.1", service)
  return #wrk.addrs > 0
end

function done(summary, latency, _)
  local errors = summary.errors
  print(string.format(
    '\n{"requests": %d, "microseconds": %d, "connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d, "p50_us": %d, "p99_us": %d}',
    summary.requests, summary.duration, errors.connect, errors.read, errors.write, errors.status, errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
