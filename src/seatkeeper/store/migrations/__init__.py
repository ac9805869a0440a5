"""The migrations of the store, run by `schema`; each is frozen once released."""
