"""The daemon: which job of which site is due, and on whose lease it runs."""
