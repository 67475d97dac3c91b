"""Probes: the requests that prove or refute a defect, and the judgement of their answers."""
