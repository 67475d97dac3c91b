"""What `generate` and `run` do between the command line and `generate/`: send, find, tell, keep."""
