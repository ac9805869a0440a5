"""The configuration file as pydantic models; JSON Schema, example and reference come from them.

Models are frozen and refuse unknown keys. They read no file and no environment: `config` does,
and hands over what it found.
"""

from __future__ import annotations

from seatkeeper.settings.alerts import AlertsSettings
from seatkeeper.settings.channels import ChannelSettings
from seatkeeper.settings.console import ConsoleSettings, Privacy
from seatkeeper.settings.exempt import NeverReleaseSettings
from seatkeeper.settings.policy import (
    AgreementSettings,
    LimitsSettings,
    PauseSettings,
    PolicySettings,
    TypeSettings,
)
from seatkeeper.settings.root import (
    LogFormat,
    LogLevel,
    LogSettings,
    Settings,
    StoreSettings,
)
from seatkeeper.settings.site import QrsSettings, ScheduleSettings, SiteSettings

__all__ = [
    "AgreementSettings",
    "AlertsSettings",
    "ChannelSettings",
    "ConsoleSettings",
    "LimitsSettings",
    "LogFormat",
    "LogLevel",
    "LogSettings",
    "NeverReleaseSettings",
    "PauseSettings",
    "PolicySettings",
    "Privacy",
    "QrsSettings",
    "ScheduleSettings",
    "Settings",
    "SiteSettings",
    "StoreSettings",
    "TypeSettings",
]
