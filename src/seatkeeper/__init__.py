"""Seatkeeper frees the Qlik Sense access licenses nobody uses, and can prove every step."""

__version__ = "0.1.0"
