"""A provider of OpenID Connect in a process of its own: pyop behind a small HTTPS server.

Whoever asks is signed in at once as the user that `login_hint` names, or as the first one: there is
no password to try here. Its certificate is signed by an authority that no system knows.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from e2e_processes import running, wait_until
from qrs_pki import Authority

CLIENT, SECRET = "seatkeeper", "a-secret-of-the-provider"
BACK = "http://seats/sign-in/oidc/back"


@dataclass(frozen=True)
class RunningProvider:
    """A provider that runs: its address, and the authority behind its certificate."""

    issuer: str
    ca_file: Path

    async def visit(self, url: str, user: str) -> httpx.URL:
        """Sign in there, as a browser does that was sent to `url`; gives where it is sent back."""
        trust = ssl.create_default_context(cafile=self.ca_file)
        async with httpx.AsyncClient(verify=trust) as outside:
            answer = await outside.get(f"{url}&login_hint={user}")
        return httpx.URL(answer.headers["location"])


@contextlib.contextmanager
def a_provider(
    folder: Path, users: dict[str, dict[str, Any]], back: str = BACK
) -> Iterator[RunningProvider]:
    """Run a provider with these people (claims by name)."""
    authority = Authority(folder, "provider")
    pair = authority.issue("login", hosts=("127.0.0.1", "localhost"))
    order = [str(pair.cert), str(pair.key), json.dumps(users), back]
    with running([sys.executable, "-W", "ignore", str(Path(__file__)), *order]) as process:
        wait_until(lambda: "https://" in process.output() or not process.lives, "the provider")
        assert process.lives, process.errors()
        yield RunningProvider(process.output().strip(), authority.root)


def _provider(address: str, users: dict[str, dict[str, Any]], back: str) -> Any:
    from Cryptodome.PublicKey import RSA  # noqa: PLC0415 - only where the provider runs
    from jwkest.jwk import RSAKey  # noqa: PLC0415
    from pyop.authz_state import AuthorizationState  # noqa: PLC0415
    from pyop.provider import Provider  # noqa: PLC0415
    from pyop.subject_identifier import HashBasedSubjectIdentifierFactory  # noqa: PLC0415
    from pyop.userinfo import Userinfo  # noqa: PLC0415

    about = {
        "issuer": address,
        "authorization_endpoint": f"{address}/authorize",
        "token_endpoint": f"{address}/token",
        "userinfo_endpoint": f"{address}/userinfo",
        "jwks_uri": f"{address}/keys",
        "scopes_supported": ["openid", "profile", "groups"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
    }
    clients = {
        CLIENT: {
            "client_id": CLIENT,
            "client_secret": SECRET,
            "redirect_uris": [back],
            "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_basic",
        }
    }
    return Provider(
        RSAKey(key=RSA.generate(2048), kid="first", alg="RS256", use="sig"),
        about,
        AuthorizationState(HashBasedSubjectIdentifierFactory("salt")),
        clients,
        Userinfo(users),
        extra_scopes={"groups": ["groups"]},
    )


class _Handler(BaseHTTPRequestHandler):
    provider: Any = None
    users: dict[str, dict[str, Any]] = {}  # noqa: RUF012 - set once before the server starts

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        if place.path == "/.well-known/openid-configuration":
            self._json(self.provider.provider_configuration.to_dict())
        elif place.path == "/keys":
            self._json(self.provider.jwks)
        elif place.path == "/userinfo":
            asked = self.provider.handle_userinfo_request(http_headers=self._headers())
            self._json(asked.to_dict())
        elif place.path == "/authorize":
            self._authorize(place.query)
        else:
            self._json({}, 404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        try:
            answer = self.provider.handle_token_request(body, self._headers())
        except Exception as error:  # noqa: BLE001 - pyop has many classes for a refusal
            kind = getattr(error, "oauth_error", "invalid_request")
            self._json({"error": kind, "error_description": str(error)}, 400)
            return
        self._json(answer.to_dict())

    def _authorize(self, query: str) -> None:
        asked = self.provider.parse_authentication_request(query)
        user = dict(parse_qsl(query)).get("login_hint") or next(iter(self.users))
        answer = self.provider.authorize(asked, user)
        self.send_response(303)
        self.send_header("Location", answer.request(asked["redirect_uri"]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _headers(self) -> dict[str, str]:
        return dict(self.headers.items()) | {"Authorization": self.headers["Authorization"] or ""}

    def _json(self, value: Any, status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _main(cert: str, key: str, users: dict[str, dict[str, Any]], back: str) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    address = f"https://127.0.0.1:{server.server_address[1]}"
    _Handler.provider, _Handler.users = _provider(address, users, back), users
    print(address, flush=True)  # noqa: T201 - its address is what it has to say
    server.serve_forever()


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), sys.argv[4])
