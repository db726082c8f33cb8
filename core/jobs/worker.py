"""The inside of a job: how a verb tells its progress and reports its result. Standard library and errors only."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.errors import StudioError
from core.jobs.supervisor import write_json


def folder() -> Path | None:
    """The folder of the job that this process is, or None in a shell."""
    value = os.environ.get("STUDIO_JOB")
    return Path(value) if value else None


def tell(done: int, total: int, note: str, **numbers: float) -> None:
    """One line of events.jsonl; on standard error in a shell. A number that is not finite is written as a word."""
    here = folder()
    if here is None:
        share = f"{done}/{total} " if total else ""
        facts = " ".join(f"{k} {v:.4g}" for k, v in numbers.items())
        print(f"{share}{note} {facts}".rstrip(), file=sys.stderr, flush=True)
        return
    event = {"time": round(time.time(), 3), "done": done, "total": total, "note": note, **numbers}
    finite = {k: str(v) if isinstance(v, float) and v - v != 0 else v for k, v in event.items()}
    with (here / "events.jsonl").open("a", encoding="utf-8") as f:
        f.write(json.dumps(finite) + "\n")


def quietly(tell_: Callable[..., None] = tell, every: float = 0.5) -> Callable[[int, int, str], None]:
    """A Progress that passes on at most one message in `every` seconds, and always the last one."""
    last = [0.0]

    def progress(done: int, total: int, note: str) -> None:
        now = time.monotonic()
        if done >= total > 0 or now - last[0] >= every:
            last[0] = now
            tell_(done, total, note)

    return progress


def die_with_supervisor() -> None:
    """A job's standard input is a pipe that its supervisor holds; its end is the supervisor's."""

    def watch() -> None:
        # Not through sys.stdin: a thread that holds its buffer's lock makes Python abort at exit.
        while os.read(0, 1):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="supervisor-watch").start()


def report(ok: bool, result: Mapping[str, Any], error: str = "") -> None:
    """Written once, as the verb's last act; only with it does a job count as done."""
    here = folder()
    if here is not None:
        write_json(here / "report.json", {"ok": ok, "result": dict(result), "error": error})


def run(verb: Callable[[], Mapping[str, Any]]) -> int:
    """Runs a verb, in a job or in a shell; reports its result; 0, or 1 with the sentence on standard error."""
    if folder() is not None and not os.environ.get("STUDIO_STANDBY"):
        die_with_supervisor()
    try:
        result = verb()
    except StudioError as e:
        report(False, {}, str(e))
        print(e, file=sys.stderr, flush=True)
        return 1
    report(True, result)
    return 0
