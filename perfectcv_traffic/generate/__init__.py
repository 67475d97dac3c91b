"""Test traffic: OpenAPI document → operations → scenarios → requests → outcomes → findings."""
