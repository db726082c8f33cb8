"""Servers on this machine: files behind plain addresses and Google Drive's, and a Hugging Face Hub with data sets."""

import contextlib
import hashlib
import http.server
import json
import re
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Server:
    """files: path -> bytes.  asked: (method, path, Range header) as they came in.

    cut: path -> numbers of bytes after which the line is cut, one an answer.  ranges: whether parts are given.
    quota: paths of Drive's that are answered by a page.
    """

    files: dict[str, bytes]
    cut: dict[str, list[int]] = field(default_factory=dict)
    ranges: bool = True
    quota: set[str] = field(default_factory=set)
    repository: str = ""
    card: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    url: str = ""

    def got(self, path: str) -> list[str]:
        """The Range headers of the answers with a body that this path had."""
        return [part for method, where, part in self.asked if method == "GET" and where == path]


class Handler(http.server.BaseHTTPRequestHandler):
    served: Server
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urllib.parse.unquote(self.path)
        self.served.asked.append(("POST", path, ""))
        if "/paths-info/" in path:
            wanted = urllib.parse.parse_qs(body.decode()).get("paths") or json.loads(body)["paths"]
            return self.json([row for row in tree(self.served.files, "", True) if row["path"] in wanted])
        return self.send(404, b"")

    def answer(self) -> None:
        where = urllib.parse.urlsplit(urllib.parse.unquote(self.path))
        self.served.asked.append((self.command, where.path, self.headers.get("Range", "")))
        if where.path in ("/uc", "/open"):
            return self.drive(urllib.parse.parse_qs(where.query))
        api = f"/api/datasets/{self.served.repository}"
        if self.served.repository and where.path.startswith(api):
            return self.api(where.path.removeprefix(api), where.query)
        name = re.sub(rf"^/datasets/{self.served.repository}/resolve/(main|{COMMIT})/", "", where.path)
        return self.file(where.path, self.served.files.get(name, self.served.files.get(where.path)))

    def drive(self, query: dict[str, list[str]]) -> None:
        """As Google Drive: a form before a large file, a page where too many have asked."""
        name = query["id"][0]
        if name in self.served.quota:
            page = '<p class="uc-error-subcaption">Too many users have viewed or downloaded this file recently.</p>'
            return self.send(200, page.encode(), {"Content-Type": "text/html"})
        if "confirm" not in query and name in self.served.files:
            fields = f'<input type="hidden" name="id" value="{name}"><input type="hidden" name="confirm" value="t">'
            page = f'<form id="download-form" action="https://drive.google.com/uc">{fields}</form>'
            return self.send(200, page.encode(), {"Content-Type": "text/html"})
        return self.file(name, self.served.files.get(name), {"Content-Disposition": f'attachment; filename="{name}"'})

    def api(self, path: str, query: str) -> None:
        if found := re.fullmatch(r"/tree/[^/]+/?(.*)", path):
            rows = tree(self.served.files, found[1], "recursive=true" in query.lower())
            return self.json(rows) if rows or not found[1] else self.send(404, b"", {"X-Error-Code": "EntryNotFound"})
        if path and not re.fullmatch(rf"/revision/(main|{COMMIT})", path):
            return self.send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        info = {
            "id": self.served.repository,
            "sha": COMMIT,
            "private": False,
            "gated": False,
            "tags": [],
            "cardData": self.served.card,
        }
        return self.json(info | {"siblings": [{"rfilename": name} for name in self.served.files]})

    def file(self, path: str, data: bytes | None, headers: dict[str, str] | None = None) -> None:
        if data is None:
            return self.send(404, b"", {"X-Error-Code": "EntryNotFound"})
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": COMMIT, **(headers or {})}
        headers["Content-Type"] = "application/octet-stream"
        part = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not part or not self.served.ranges:
            return self.send(200, data, headers, path)
        first, last = int(part[1]), min(int(part[2] or len(data)), len(data) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        if first >= len(data):
            return self.send(416, b"", headers)
        return self.send(206, data[first : last + 1], headers, path)

    def json(self, value: object) -> None:
        self.send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None, path: str = "") -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cuts = self.served.cut.get(path, [])
        if self.command != "HEAD":
            if cuts:
                body, self.close_connection = body[: cuts.pop(0)], True
            self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass


def tree(files: dict[str, bytes], folder: str, recursive: bool) -> list[dict[str, Any]]:
    """As the Hub lists a folder."""
    rows: dict[str, dict[str, Any]] = {}
    for name, data in files.items():
        if folder and not name.startswith(f"{folder}/"):
            continue
        rest = name[len(folder) + 1 if folder else 0 :].split("/")
        for depth in range(1, len(rest)):
            path = "/".join([*([folder] if folder else []), *rest[:depth]])
            if recursive or depth == 1:
                rows[path] = {"type": "directory", "oid": "0" * 40, "size": 0, "path": path}
        if recursive or len(rest) == 1:
            rows[name] = {"type": "file", "oid": hashlib.sha1(data).hexdigest(), "size": len(data), "path": name}
    return list(rows.values())


@contextlib.contextmanager
def serving(served: Server) -> Iterator[Server]:
    handler = type("Bound", (Handler,), {"served": served})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        served.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()


def only_here(monkeypatch: pytest.MonkeyPatch, server: Server | None) -> None:
    """What is asked of Google Drive through requests goes to the server; nothing else leaves this machine."""
    real: Callable[..., requests.Response] = requests.adapters.HTTPAdapter.send

    def send(self: requests.adapters.HTTPAdapter, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        url = str(request.url)
        if server and url.startswith("https://drive.google.com/"):
            request.url = url = url.replace("https://drive.google.com", server.url, 1)
        if not url.startswith("http://127.0.0.1:"):
            raise requests.ConnectionError(f"no network: {urllib.parse.urlsplit(url).hostname}")
        return real(self, request, **options)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
