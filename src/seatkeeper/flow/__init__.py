"""The deeds: steps in their order, over ports and values; no door is imported here."""
