"""Pure pandas functions: frames of the summary in, answers out. No I/O, no clock, no printing."""
