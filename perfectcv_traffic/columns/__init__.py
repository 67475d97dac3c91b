"""Many records folded at once, column by column: equals `Summary.add_all`, several times faster."""
