"""A Hugging Face Hub on this machine: what its client asks of huggingface.co, answered from memory."""

import contextlib
import hashlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Hub:
    """files: name -> bytes, at one repository and revision.  broken: names of which half is sent, and from then on nothing.

    asked: (method, name) as it came in.
    """

    repository: str
    revision: str
    files: dict[str, bytes]
    broken: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""


@contextlib.contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, body: bool) -> None:
            name = self.path.removeprefix(f"/{hub.repository}/resolve/{hub.revision}/")
            hub.asked.append((self.command, name))
            data = hub.files.get(name)
            retried = body and name in hub.broken and hub.asked.count(("GET", name)) > 1
            self.send_response(503 if retried else 404 if data is None else 200)
            self.send_header("X-Repo-Commit", hub.revision)
            if data is None or retried:
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if body:
                self.wfile.write(data[: len(data) // 2] if name in hub.broken else data)

        def log_message(self, *words: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        hub.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
