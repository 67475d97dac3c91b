"""Where the frames of the analyses come from: a database, logs, records at hand."""
