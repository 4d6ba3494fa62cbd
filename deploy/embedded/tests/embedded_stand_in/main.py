"""What the supervisor needs of a service and no more; started as ``python -m embedded_stand_in.main``."""

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    uploading = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/drip":
            self.drip()
        elif self.path == "/uploading":
            self.answer(self.uploading.is_set())
        else:
            self.answer({key: value for key, value in os.environ.items() if key.startswith("CASEWAY_")})

    def do_POST(self) -> None:
        left = int(self.headers["Content-Length"]) - len(self.rfile.read(1))
        self.uploading.set()
        while left:
            left -= len(self.rfile.read(min(left, 1 << 20)))
        self.answer("all of it")

    def drip(self) -> None:
        """One line at once; the second never comes."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b"data: first\n\n")
        self.wfile.flush()
        time.sleep(120)

    def answer(self, body: object) -> None:
        payload = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name for it
        return


if __name__ == "__main__":
    if os.environ.get("STAND_IN_BREAKS"):
        sys.exit("the stand-in is told to break")
    with ThreadingHTTPServer(("127.0.0.1", int(os.environ["STAND_IN_PORT"])), Handler) as server:
        server.serve_forever()
