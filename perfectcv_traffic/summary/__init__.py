"""The mergeable summary: what is counted of any number of requests, and how sums add up."""
