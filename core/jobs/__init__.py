"""Background processes as folders: submit, read, cancel. A job's state is a pure function of its folder.

FOLDER/job.json       what to run, written once
FOLDER/alive          locked for as long as a supervisor lives
FOLDER/started.json   written when the work begins (before that, a training may wait for its slot)
FOLDER/events.jsonl   progress and curves          FOLDER/log.txt   all that the work printed
FOLDER/report.json    the work's own last word     FOLDER/cancel    somebody asked it to stop
FOLDER/outcome.json   written last by the supervisor: the only result
"""

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core import paths
from core.configs import Config, to_argv
from core.errors import JobError, StoreError, unknown
from core.jobs import supervisor
from core.types import Job

KINDS = {
    "trainers": "train",
    "sample": "sample",
    "evaluate": "evaluate",
    "datasets": "prepare",
    "models": "import",
    "latent": "latent",
    "selftest": "selftest",
}
LOG_TAIL = 64_000  # bytes of the log that a page reads


def submit(c: Config, *, title: str = "", parent: str | None = None) -> Job:
    """Starts the config's verb in the background; it outlives this process. JobError where it cannot be started."""
    folder = create(c, title=title, parent=parent)
    start(folder)
    return read(folder.name)


def start(folder: Path) -> None:
    """Puts a supervisor over a new job folder; returns once it holds the folder (until then it would read as lost)."""
    options: dict[str, Any] = {"start_new_session": True}
    if os.name == "nt":
        options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS}  # type: ignore[attr-defined]
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, str(Path(supervisor.__file__)), str(folder)],
            cwd=paths.PROJECT,
            env=os.environ | {"STUDIO_CACHE": str(paths.cache())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            **options,
        )
    assert process.stdout is not None
    if process.stdout.readline().strip() != b"ready":
        raise JobError(f"The job could not be started; {folder / 'log.txt'} says why.")
    reap(process)


def create(c: Config, *, title: str = "", parent: str | None = None) -> Path:
    """A new job folder with its job.json; nothing is started."""
    argv = to_argv(c)
    kind = "estimate" if "--estimate" in argv else KINDS[argv[0] if argv[0] == "trainers" else argv[1]]
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    folder = paths.job(f"{stamp}-{kind}-{secrets.token_hex(3)}")
    spec = {
        "kind": kind,
        "title": title or " ".join(argv),
        "argv": [sys.executable, "-m", *argv],
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "parent": parent or "",
    }
    try:
        folder.mkdir(parents=True)
        supervisor.write_json(folder / "job.json", spec)
    except OSError as e:
        raise StoreError(f"{paths.jobs()} cannot be written ({e.strerror}); make room or move STUDIO_CACHE.") from e
    return folder


# Finished supervisors of this process, waited for so that they do not stay as zombies.
_children: list[subprocess.Popen[bytes]] = []


def reap(process: subprocess.Popen[bytes]) -> None:
    """Remembers a child whose end nobody waits for."""
    if process.stdout is not None:
        process.stdout.close()
    _children.append(process)
    _children[:] = [p for p in _children if p.poll() is None]


def read(job_id: str) -> Job:
    """The job as its folder tells it. JobError if there is no such job."""
    folder = paths.job(job_id)
    if not (folder / "job.json").is_file():
        raise JobError(unknown("job", job_id, _names()[:10]))
    spec = _json(folder / "job.json")
    if not spec.keys() >= {"kind", "title", "argv", "created_at"}:
        raise JobError(f"{folder / 'job.json'} is damaged; nothing is known of the job {job_id}, its folder can be deleted.")
    # The lock first: the outcome is written while it is held, so the other order would call a finished job lost.
    held = supervisor.alive(folder)
    ended = _json(folder / "outcome.json")
    last = _last_event(folder)
    state = ended.get("state") or _state_of_unfinished(folder, held)
    return Job(
        id=job_id,
        kind=spec["kind"],
        title=spec["title"],
        argv=tuple(spec["argv"]),
        state=state,
        created_at=spec["created_at"],
        done=int(last.get("done", 0)),
        total=int(last.get("total", 0)),
        note=str(last.get("note", "")),
        exit_code=ended.get("exit_code"),
        seconds=ended.get("seconds", _seconds_so_far(folder, last, held)),
        result=ended.get("result", {}),
        error=ended.get("error", "") or (LOST if state == "lost" else ""),
        parent=spec.get("parent", ""),
    )


LOST = "The job ended without a word: its supervisor was killed or the machine restarted; start it again."


def _state_of_unfinished(folder: Path, held: bool) -> str:
    if held:
        return "running" if (folder / "started.json").exists() else "waiting"
    return "cancelled" if supervisor.cancelled(folder) else "lost"


def _seconds_so_far(folder: Path, last: dict[str, Any], held: bool) -> float | None:
    started = _json(folder / "started.json").get("started_at")
    until = time.time() if held else last.get("time")
    return None if started is None or until is None else max(0.0, until - started)


def every(kind: str | None = None) -> list[Job]:
    """All jobs, newest first. A folder whose job.json is damaged is left out: there is nothing to show of it."""
    return _readable(_names(kind))


def active(kind: str | None = None) -> list[Job]:
    """Jobs that wait or run, without reading the finished ones to their end."""
    return [j for j in _readable([n for n in _names(kind) if supervisor.alive(paths.job(n))]) if j.active]


def _names(kind: str | None = None) -> list[str]:
    names = sorted((p.parent.name for p in paths.jobs().glob("*/job.json")), reverse=True)
    return [n for n in names if kind is None or f"-{kind}-" in n]


def _readable(names: list[str]) -> list[Job]:
    found = []
    for name in names:
        with contextlib.suppress(JobError):
            found.append(read(name))
    return found


def cancel(job_id: str) -> Job:
    """Asks the job to stop; its group is killed if it has not within ten seconds. A finished job stays as it is."""
    job = read(job_id)
    if job.active:
        (paths.job(job_id) / "cancel").touch()
    return job


def history(job_id: str) -> list[dict[str, Any]]:
    """The events in order. An unfinished last line is left for the next reading."""
    events = []
    for line in _text(paths.job(job_id) / "events.jsonl").splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            continue
    return events


def log(job_id: str, tail: int = LOG_TAIL) -> str:
    """The last `tail` bytes of what the job printed."""
    file = paths.job(job_id) / "log.txt"
    if not file.is_file():
        return ""
    with file.open("rb") as f:
        f.seek(max(0, file.stat().st_size - tail))
        return f.read().decode("utf-8", errors="replace")


def follow(job: Job, say: Callable[[Job], None] | None = None, *, cancel_on_interrupt: bool = True) -> Job:
    """Waits for the end of a job, telling `say` of each change; Ctrl-C cancels the job (if wished) and is raised again."""
    seen = None
    try:
        while True:
            job = read(job.id)
            mark = (job.state, job.done, job.note)
            if say and mark != seen:
                say(job)
            seen = mark
            if not job.active:
                return job
            time.sleep(0.2)
    except KeyboardInterrupt:
        if cancel_on_interrupt:
            cancel(job.id)
        raise


def _json(path: Path) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _last_event(folder: Path) -> dict[str, Any]:
    """The newest complete event; reads the file's last 4 kB only."""
    file = folder / "events.jsonl"
    if not file.is_file():
        return {}
    with file.open("rb") as f:
        f.seek(max(0, file.stat().st_size - 4096))
        lines = f.read().decode("utf-8", errors="replace").splitlines()
    for line in reversed(lines):
        try:
            event: dict[str, Any] = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            return event
    return {}
