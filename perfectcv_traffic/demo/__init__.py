"""A small PerfectCV-like API with documented flaws: the embedded target of a first run."""
