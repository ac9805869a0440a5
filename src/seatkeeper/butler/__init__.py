"""A configuration of Butler, turned into ours with equal meaning.

Butler (16) is what many sites use today. Only its license features and its way to the Repository
Service are read; everything that could not be carried over, or was changed, is a note.
"""

from __future__ import annotations

from seatkeeper.butler.importing import Imported, import_butler

__all__ = ["Imported", "import_butler"]
