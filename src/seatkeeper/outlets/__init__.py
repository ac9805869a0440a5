"""The doors outward: each tells one kind of receiver, and none knows of the others."""
