"""Everything a person sees: terminal tables, charts, the HTML page, JSON. Computes nothing."""
