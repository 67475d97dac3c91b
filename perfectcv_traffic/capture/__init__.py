"""Inside the API's process: a request becomes a `TrafficLog`, and that a line of the log."""
