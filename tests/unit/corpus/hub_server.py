"""A small server that answers like the hub for data sets that are missing or gated."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_INFO = {
    "id": "owner/gated", "sha": "a" * 40, "siblings": [], "tags": [], "private": False,
    "gated": "manual", "disabled": False, "downloads": 0, "likes": 0,
}  # fmt: skip


class _Hub(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        if "/api/datasets/owner/gated" in self.path:
            body = json.dumps(_INFO).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        gated = "owner/gated" in self.path
        self.send_response(403 if gated else 404)
        self.send_header("X-Error-Code", "GatedRepo" if gated else "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = _answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def hub_server() -> Iterator[str]:
    """Yield the address of a hub on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
