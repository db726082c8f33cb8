"""A real server on a free port with a cache of its own, and a real browser that may talk to nobody else."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "e2e" in Path(str(item.fspath)).parts:
            item.add_marker(pytest.mark.e2e)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no chromium on the PATH"))


class Server:
    """`streamlit run Home.py`, to be stopped, killed and started again."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.log = cache.parent / "server.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        env = os.environ | {"STUDIO_CACHE": str(self.cache), "STREAMLIT_SERVER_PORT": str(self.port)}
        with self.log.open("ab") as log:
            argv = [sys.executable, "-m", "streamlit", "run", "Home.py"]
            self.process = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=log, stderr=log)
        until = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1):
                    return
            except OSError:
                assert time.monotonic() < until and self.process.poll() is None, self.log.read_text()
                time.sleep(0.1)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("studio") / "cache")
    server.start()
    yield server
    server.kill()
    end_jobs(server.cache)


def end_jobs(cache: Path) -> None:
    """Jobs outlive their server; those of a test are asked to stop and waited for."""
    os.environ["STUDIO_CACHE"] = str(cache)
    from core import jobs

    for job in jobs.active():
        jobs.cancel(job.id)
    until = time.monotonic() + 20
    while jobs.active() and time.monotonic() < until:
        time.sleep(0.2)
    del os.environ["STUDIO_CACHE"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    flags = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, headless=True, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page that fails its test if anything is asked of another host, or if the page itself breaks."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    foreign: list[str] = []
    broken: list[str] = []

    def watch(request: Any) -> None:
        if not request.url.startswith(("http://localhost", "ws://localhost", "data:", "blob:")):
            foreign.append(request.url)

    page.on("request", watch)
    page.on("websocket", lambda w: watch(w))
    page.on("pageerror", lambda e: broken.append(str(e)))
    yield page
    context.close()
    assert foreign == [], "asked of other hosts"
    assert broken == [], "errors in the browser"


def settled(page: Any) -> None:
    """Waits until the script has run and nothing is left to load."""
    page.locator("[data-testid=stApp][data-test-connection-state=CONNECTED]").wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    assert page.locator("[data-testid=stException]").count() == 0, page.locator("[data-testid=stException]").first.inner_text()
