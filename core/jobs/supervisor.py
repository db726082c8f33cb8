"""Watches over one job: `python core/jobs/supervisor.py FOLDER`. Standard library only; never forks workers of its own.

The supervisor holds an exclusive lock on FOLDER/alive for as long as it lives: that lock, which the system drops at any
death, is what says "alive". It waits for a slot if the job is a training, starts the job's argv in a session of its own,
obeys FOLDER/cancel, and writes FOLDER/outcome.json last of all. The job ends when its supervisor does: its standard input is
a pipe that the supervisor holds (see worker.py).
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

if os.name == "nt":
    import msvcrt
else:
    import fcntl

POLL = 0.1  # seconds
GRACE = 10.0  # seconds between the polite and the impolite way of ending a job
TRAININGS_AT_ONCE = 1


def lock(path: Path, *, shared: bool = False) -> IO[bytes] | None:
    """The open, locked file, or None where somebody else holds it. The lock ends with the file or the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("ab+")
    try:
        if os.name == "nt":
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def alive(folder: Path) -> bool:
    """Whether a supervisor holds the folder. A shared probe, so that two readers do not take each other for one."""
    if not (folder / "alive").exists():
        return False
    held = lock(folder / "alive", shared=True)
    if held is None:
        return True
    held.close()
    return False


def take(folder: Path, seconds: float = 5.0) -> IO[bytes]:
    """The folder's lock, waited for past the readers' moment-long probes."""
    until = time.monotonic() + seconds
    while (held := lock(folder / "alive")) is None:
        if time.monotonic() > until:
            raise SystemExit(f"{folder} already has a supervisor")
        time.sleep(0.01)
    return held


def write_json(path: Path, value: object) -> None:
    """The file holds the old value or the new one, whatever happens in between."""
    beside = path.with_name(f".{path.name}.part")
    with beside.open("w", encoding="utf-8") as f:
        json.dump(value, f)
        f.flush()
        os.fsync(f.fileno())
    os.replace(beside, path)


def environment(folder: Path) -> dict[str, str]:
    """What a job sees. TMPDIR lies in the folder: Lightning's checkpoints are atomic only within one file system."""
    tmp = folder / "tmp"
    tmp.mkdir(exist_ok=True)
    own = {"STUDIO_JOB": str(folder), "TMPDIR": str(tmp), "TEMP": str(tmp), "TMP": str(tmp)}
    return os.environ | own | {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}


def cancelled(folder: Path) -> bool:
    return (folder / "cancel").exists()


@contextlib.contextmanager
def slot(folder: Path, needed: bool) -> Iterator[bool]:
    """One of the places for trainings, waited for; False where the job was cancelled while it waited."""
    held = None
    while needed and not cancelled(folder):
        places = [folder.parent / ".slots" / f"training-{i}" for i in range(TRAININGS_AT_ONCE)]
        held = next((h for p in places if (h := lock(p))), None)
        if held:
            break
        time.sleep(POLL)
    try:
        yield not cancelled(folder)
    finally:
        if held:
            held.close()


def end(process: subprocess.Popen[bytes], polite: bool) -> None:
    """A signal for the whole group, so that no grandchild stays behind."""
    if os.name == "nt":
        process.terminate() if polite else process.kill()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM if polite else signal.SIGKILL)


def work(folder: Path, argv: list[str]) -> int:
    """Runs the job to its end, or to its cancellation; the exit code. Negative: the signal that ended it."""
    options: dict[str, Any] = {"start_new_session": True}
    if os.name == "nt":
        options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined]
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=os.getcwd(), env=environment(folder), **options
        )
    impolite_at: float | None = None
    while process.poll() is None:
        if cancelled(folder) and impolite_at is None:
            end(process, polite=True)
            impolite_at = time.monotonic() + GRACE
        if impolite_at and time.monotonic() > impolite_at:
            end(process, polite=False)
        time.sleep(POLL)
    end(process, polite=False)
    return process.returncode


def outcome(folder: Path, exit_code: int | None, seconds: float) -> dict[str, Any]:
    """What became of the job. Done needs the job's own report: Lightning, for one, exits 0 when it is terminated."""
    report: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    said = {"exit_code": exit_code, "seconds": round(seconds, 3), "ended_at": time.time(), "result": report.get("result", {})}
    if exit_code == 0 and report.get("ok"):
        return {"state": "done", "error": "", **said}
    if cancelled(folder):
        return {"state": "cancelled", "error": "", **said}
    return {"state": "failed", "error": report.get("error") or why(exit_code), **said}


def why(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        hint = "; most likely the machine ran out of memory, or somebody killed it" if exit_code == -9 else ""
        return f"The job was ended by signal {-exit_code}{hint}; its log says how far it came."
    if exit_code == 0:
        return "The job ended without a result; its log says how far it came."
    return f"The job stopped with exit code {exit_code}; its log says why."


def settle(folder: Path, exit_code: int | None, started: float) -> None:
    write_json(folder / "outcome.json", outcome(folder, exit_code, time.monotonic() - started))


def supervise(folder: Path, ready: Callable[[], object]) -> None:
    held = take(folder)
    ready()
    spec = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    with slot(folder, spec["kind"] == "train") as go:
        started = time.monotonic()
        write_json(folder / "started.json", {"started_at": time.time()})
        settle(folder, work(folder, spec["argv"]) if go else None, started)
    held.close()


def said_ready() -> None:
    """Tells the submitter, who waits on standard output, that the folder is held; then lets go of its terminal."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)


if __name__ == "__main__":
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    supervise(Path(sys.argv[1]), said_ready)
