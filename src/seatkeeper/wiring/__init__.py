"""From settings to live objects: the only place that knows all concrete classes."""
