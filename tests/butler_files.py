"""Butler configurations for tests: a whole one in Butler's shape, and changes to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from config_files import load_text
from seatkeeper.butler import import_butler
from seatkeeper.settings import Settings, SiteSettings

TODAY = date(2026, 6, 10)

BUTLER = r"""---
Butler:
    logLevel: info
    anonTelemetry:
        true # a value on a line of its own
    influxDb:
        enable: false
        hostIP: influx.example.com
        hostPort: 8086
        auth: {enable: true, username: joe, password: joes-secret}
        dbName: butler
        retentionPolicy: {name: 10d, duration: 10d}
        tag:
            static:
                - name: butler_instance
                  value: dev
    scriptLog:
        storeOnDisk: [{"odd": ["shape"]}]
    qlikSenseLicense:
        serverLicenseMonitor:
            enable: false
            frequency: every 24 hours
            alert:
                thresholdDays: 60
            destination: {influxDb: {enable: false}, mqtt: {enable: false}}
        licenseMonitor:
            enable: true
            frequency: every 6 hours
            destination: {influxDb: {enable: false}}
        licenseRelease:
            enable: true
            dryRun: true
            frequency: every 24 hours
            neverRelease:
                user:
                    - userDir: 'INTERNAL'
                      userId: 'sa_repository'
                    - userDir: 'CORP'
                      userId: 'anna'
                tag:
                    - License do not release
                customProperty:
                    - name: LicenseManage
                      value: do-not-release
                userDirectory:
                    - ADMIN
                inactive:
                    Ignore # a value on a line of its own
                blocked: No
                removedExternally: yes
            licenseType:
                analyzer:
                    enable: true
                    releaseThresholdDays: 30
                professional:
                    enable: false
                    releaseThresholdDays: 45
            destination: {influxDb: {enable: false}}
    cert:
        clientCert: /certs/client.pem
        clientCertKey: /certs/client_key.pem
        clientCertCA: /certs/root.pem
    configQRS:
        authentication: certificates
        host: sense.example.com
        useSSL: true
        port: 4242
        headers:
            static:
                - name: X-Qlik-User
                  value: UserDirectory=Internal;UserId=sa_repository
        rejectUnauthorized:
            true
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an import, loaded by the real loader."""

    text: str
    notes: tuple[str, ...]
    settings: Settings

    @property
    def site(self) -> SiteSettings:
        """The one site."""
        return self.settings.sites[0]

    def note(self, part: str) -> str:
        """Return the one note with that text in it."""
        [found] = [note for note in self.notes if part in note]
        return found

    def silent(self, part: str) -> bool:
        """Tell whether no note has that text in it."""
        return not any(part in note for note in self.notes)


def imported(folder: Path, *changes: tuple[str, str], by: str | None = None) -> Result:
    """Import the whole configuration with some texts exchanged, and load the result."""
    text = BUTLER
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    found = import_butler(Path("butler.yaml"), text.encode(), agreement_reviewed_by=by, today=TODAY)
    return Result(found.text, found.notes, load_text(folder, found.text).settings)
