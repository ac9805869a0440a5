"""How one site is reached, and as whom. Refuses an address or a user that cannot be right."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

from yarl import URL


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    r"""Address, certificates and identity for one Repository Service.

    `url` ends in `/qrs`; `user` is `DIR\id`. `timeout` is the longest wait for one small answer;
    a long list may take several times as long, as long as it keeps coming. `concurrency` is the
    most requests in flight at once. Raises ValueError for what cannot be right.
    """

    url: str
    ca_file: Path
    cert_file: Path
    key_file: Path
    user: str
    concurrency: int = 4
    timeout: timedelta = timedelta(seconds=60)
    verify_host_name: bool = True
    key_password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        if not _is_address(self.url):
            shown = self.url.rpartition("@")[2]
            raise ValueError(f"{shown} is not an address such as https://host:4242/qrs")
        directory, _, user_id = self.user.partition("\\")
        if not directory or not user_id:
            raise ValueError(f"the user {self.user} is not written as DIRECTORY\\id")
        if self.concurrency < 1 or self.timeout <= timedelta(0):
            raise ValueError("concurrency and timeout must be above zero")

    @property
    def base(self) -> str:
        """The address without a slash at its end, in ASCII."""
        return str(URL(self.url)).rstrip("/")

    @property
    def place(self) -> str:
        """Host and port, as messages name them."""
        address = urlsplit(self.url)
        return f"{address.hostname}:{address.port or 443}"

    @property
    def identity(self) -> str:
        """The value of `X-Qlik-User`; special characters are percent-encoded UTF-8.

        Source: QRS contract 1.2, "X-Qlik-User header".
        """
        directory, _, user_id = self.user.partition("\\")
        return f"UserDirectory={quote(directory, safe='')}; UserId={quote(user_id, safe='')}"


def _is_address(url: str) -> bool:
    """Whether it is https with a host and no more than a path; a password has no place in it."""
    try:
        address = urlsplit(url)
        port = address.port
    except ValueError:
        return False
    extras = address.query or address.fragment or "@" in address.netloc
    return address.scheme == "https" and bool(address.hostname) and not extras and port != 0
