"""The command line: one file per group of commands; values in, text or JSON out."""
