"""The effective configuration as people would write it, with every secret hidden."""

from __future__ import annotations

import io

from ruamel.yaml import YAML

from seatkeeper.settings import Settings


def configuration(settings: Settings) -> str:
    """Return the whole configuration, defaults among it, as YAML; a secret is shown as `…`."""
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 100
    text = io.StringIO()
    yaml.dump(settings.model_dump(mode="json", exclude_none=True), text)
    return text.getvalue()
