"""A process that has imported the heavy libraries and waits to become one ordinary job: 0.02 s to a start instead of 3 s.

In the server: `standby.warm(MODULES)` starts one if none waits; `standby.submit(config, MODULES)` turns it into a job.
In the process (`python -m core.jobs.standby MODULE ...`): import, then wait for one line on standard input, the job's folder.
While it waits it ends with its server (standard input closes); as a job it goes on, and to cancel it is to kill it.
"""

import contextlib
import importlib
import json
import os
import runpy
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core import jobs, paths
from core.configs import Config
from core.jobs import supervisor
from core.types import Job

_waiting: list[subprocess.Popen[bytes]] = []
_mutex = threading.Lock()


def warm(modules: Sequence[str]) -> None:
    """Starts a standby process unless one waits already. It takes about 500 MB once torch is imported."""
    with _mutex:
        _waiting[:] = [_one(modules)]


def _one(modules: Sequence[str]) -> subprocess.Popen[bytes]:
    """The waiting process, or a new one. The caller holds the mutex: two sessions must not get the same one."""
    return next((p for p in _waiting if p.poll() is None), None) or _start(modules)


def submit(c: Config, modules: Sequence[str], *, title: str = "") -> Job:
    """The config's verb as a job in the waiting process; in a new one under a supervisor where none can be had."""
    with _mutex:
        process = _one(modules)
        _waiting.clear()
    folder = jobs.create(c, title=title)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(f"{folder}\n".encode())
        process.stdin.close()
        taken = process.stdout.readline().strip() == b"ready"
    except OSError:
        taken = False
    if not taken:
        # It died while it waited (out of memory, say). The folder was never held: nothing of the job has run.
        jobs.start(folder)
    jobs.reap(process)
    warm(modules)
    return jobs.read(folder.name)


def _start(modules: Sequence[str]) -> subprocess.Popen[bytes]:
    options: dict[str, Any] = {"start_new_session": True}
    if os.name == "nt":
        options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined]
    return subprocess.Popen(
        [sys.executable, "-m", "core.jobs.standby", *modules],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=paths.PROJECT,
        env=os.environ | {"STUDIO_CACHE": str(paths.cache())},
        **options,
    )


def main(modules: Sequence[str]) -> None:
    """Waits for a folder on standard input; answers "ready" once it holds it; imports; runs the job's argv here."""
    arrived = threading.Thread(target=_import, args=(modules,), daemon=True)
    arrived.start()
    line = sys.stdin.readline().strip()
    if not line:
        os._exit(0)
    folder = Path(line)
    held = supervisor.take(folder)
    supervisor.said_ready()
    arrived.join()
    started = time.monotonic()
    supervisor.write_json(folder / "started.json", {"started_at": time.time()})
    os.environ.update(supervisor.environment(folder) | {"STUDIO_STANDBY": "1"})
    threading.Thread(target=_obey_cancel, args=(folder,), daemon=True).start()
    code = _become(folder)
    supervisor.settle(folder, code, started)
    held.close()


def _import(modules: Sequence[str]) -> None:
    for name in modules:
        importlib.import_module(name)


def _obey_cancel(folder: Path) -> None:
    """The folder then has `cancel`, no outcome and a free lock, and so reads as cancelled."""
    while not supervisor.cancelled(folder):
        time.sleep(supervisor.POLL)
    os._exit(1)


def _become(folder: Path) -> int:
    """Runs `python -m MODULE ARGS` of job.json in this process, its output in the job's log; the exit code."""
    argv = json.loads((folder / "job.json").read_text(encoding="utf-8"))["argv"]
    assert argv[1] == "-m", argv
    log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv = [argv[2], *argv[3:]]
    try:
        runpy.run_module(argv[2], run_name="__main__", alter_sys=True)
    except SystemExit as e:
        return e.code if isinstance(e.code, int) else 0 if e.code is None else 1
    except Exception:  # the top of a process: the log gets the traceback, the outcome the exit code, as in any Python
        traceback.print_exc()
        return 1
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
    return 0


if __name__ == "__main__":
    main(sys.argv[1:])
