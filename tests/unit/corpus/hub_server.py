"""A hub on this machine: one data set from a folder, one that is gated, and none besides.

It answers what `huggingface_hub` and `datasets` ask of the real one, so that their code runs as it is.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

OPEN, GATED = "owner/open", "owner/gated"
COMMIT = "c0ffee" * 6 + "c0ff"


class _Hub(BaseHTTPRequestHandler):
    folder: Path

    def _answer(self) -> None:
        path = unquote(urlparse(self.path).path)
        if path.startswith(f"/api/datasets/{OPEN}/tree/{COMMIT}"):
            self._list(
                self.folder / path.removeprefix(f"/api/datasets/{OPEN}/tree/{COMMIT}").strip("/")
            )
        elif path.startswith(f"/api/datasets/{OPEN}"):
            self._json(_info(OPEN, gated=False))
        elif path.startswith(f"/api/datasets/{GATED}"):
            self._json(_info(GATED, gated=True))
        elif path.startswith(f"/datasets/{OPEN}/resolve/{COMMIT}/"):
            self._file(self.folder / path.removeprefix(f"/datasets/{OPEN}/resolve/{COMMIT}/"))
        elif GATED in path:
            self._nothing(403, "GatedRepo")
        else:
            self._nothing(404, "RepoNotFound")

    do_GET = do_HEAD = do_POST = _answer  # noqa: N815

    def _json(self, value: Any) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _nothing(self, status: int, code: str) -> None:
        self._send(status, b"", {"X-Error-Code": code})

    def _list(self, folder: Path) -> None:
        if not folder.is_dir():
            self._nothing(404, "EntryNotFound")
            return
        self._json([_entry(path, self.folder) for path in sorted(folder.iterdir())])

    def _file(self, path: Path) -> None:
        if not path.is_file():
            self._nothing(404, "EntryNotFound")
            return
        data = path.read_bytes()
        headers = {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": COMMIT}
        if wanted := self.headers.get("Range"):
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            part = data[int(first) : int(last) + 1 if last else None]
            headers["Content-Range"] = f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}"
            self._send(206, part, headers)
        else:
            self._send(200, data, headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _info(id: str, *, gated: bool) -> dict[str, Any]:
    return {
        "id": id, "sha": COMMIT, "siblings": [], "tags": [], "private": False,
        "gated": "manual" if gated else False, "disabled": False, "downloads": 0, "likes": 0,
    }  # fmt: skip


def _entry(path: Path, root: Path) -> dict[str, Any]:
    name = path.relative_to(root).as_posix()
    if path.is_dir():
        return {"type": "directory", "oid": "d" * 40, "size": 0, "path": name}
    data = path.read_bytes()
    oid = hashlib.sha1(data).hexdigest()
    return {"type": "file", "oid": oid, "size": len(data), "path": name}


@contextmanager
def hub_server(folder: Path) -> Iterator[str]:
    """Yield the address of a hub whose data set ``owner/open`` is a folder."""
    hub = type("Hub", (_Hub,), {"folder": folder})
    with ThreadingHTTPServer(("127.0.0.1", 0), hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
