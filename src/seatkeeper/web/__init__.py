"""The web side of the daemon; no logic lives here."""
