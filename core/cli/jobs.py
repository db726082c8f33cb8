"""python -m core jobs [show ID | logs ID [-f] | cancel ID]"""

import argparse
import dataclasses
import sys
from typing import Any

from core import jobs
from core.cli.words import Said, aligned, verb
from core.types import Job


def add(verbs: Any) -> None:
    own = verb(verbs, "jobs", listed, "list the background jobs; show, follow or cancel one").add_subparsers(metavar="VERB")
    verb(own, "show", shown, "one job, whole").add_argument("id", metavar="ID")
    p = verb(own, "logs", logged, "what a job printed")
    p.add_argument("id", metavar="ID")
    p.add_argument("-f", "--follow", action="store_true", help="until the job ends")
    verb(own, "cancel", cancelled, "ask a job to stop").add_argument("id", metavar="ID")


def listed(ns: argparse.Namespace) -> Said:
    rows = [{"id": j.id, "state": j.state, "progress": progress(j), "title": j.title} for j in jobs.every()]
    return rows, aligned(rows, "No jobs yet.")


def progress(j: Job) -> str:
    return f"{j.done}/{j.total}" if j.total else ""


def shown(ns: argparse.Namespace) -> Said:
    document = dataclasses.asdict(jobs.read(ns.id))
    return document, "\n".join(f"{k}: {v}" for k, v in document.items())


def logged(ns: argparse.Namespace) -> Said:
    job = jobs.read(ns.id)
    if ns.follow:
        seen = 0

        def say(j: Job) -> None:
            nonlocal seen
            text = jobs.log(j.id, tail=1 << 30)
            print(text[seen:], end="", file=sys.stderr, flush=True)
            seen = len(text)

        try:
            job = jobs.follow(job, say, cancel_on_interrupt=False)
        except KeyboardInterrupt:
            return {"id": job.id, "state": jobs.read(job.id).state}, ""
        return {"id": job.id, "state": job.state}, f"{job.id}: {job.state}"
    text = jobs.log(ns.id)
    return {"id": ns.id, "log": text}, text


def cancelled(ns: argparse.Namespace) -> Said:
    job = jobs.cancel(ns.id)
    said = "is asked to stop" if job.active else f"had ended already ({job.state})"
    return {"id": job.id, "state": job.state}, f"{job.id} {said}"
