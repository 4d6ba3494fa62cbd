import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from joserfc.jwk import OKPKey

from caseway_kit.tokens import Caller, sign_token


class Issuer:
    """Stands for the service that signs people in: tokens, the keys to check them by, and what else it is asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.jwks = f"{url}/jwks.json"
        self._key = OKPKey.generate_key("Ed25519", {"kid": "k1", "use": "sig", "alg": "EdDSA"})
        self.answers: dict[str, Any] = {"/jwks.json": {"keys": [self._key.as_dict(private=False)]}}

    def authorization(self, caller: Caller) -> dict[str, str]:
        """The header of a request that ``caller`` makes."""
        agreed = {"issuer": "caseway", "audience": "caseway"}
        token = sign_token(self._key, caller, now=datetime.now(UTC), lifetime=timedelta(minutes=15), **agreed)
        return {"Authorization": f"Bearer {token}"}

    @classmethod
    @contextmanager
    def running(cls) -> "Iterator[Issuer]":
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = self.path in issuer.answers
                body = json.dumps(issuer.answers.get(self.path)).encode()
                self.send_response(200 if known else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002 - as the base class has it
                return

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            issuer = cls(f"http://127.0.0.1:{server.server_port}")
            thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            yield issuer
            server.shutdown()
            thread.join()
