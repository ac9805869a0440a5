"""The decisions: pure values and functions, without clock, I/O, async or logging."""
