"""Jobs on the screen: start one, watch it, cancel it. Polls only while something runs; every tab sees the same folders."""

from collections.abc import Callable, Sequence

import streamlit as st

from core import configs, jobs
from core.configs import Config
from core.jobs import standby
from core.types import Job

HEAVY = ("torch", "diffusers", "core.families.ddpm")
"""What a standby process imports ahead of its job."""

ICONS = {
    "waiting": ":material/hourglass_empty:",
    "running": ":material/autorenew:",
    "done": ":material/check_circle:",
    "failed": ":material/error:",
    "cancelled": ":material/cancel:",
    "lost": ":material/help:",
}


def start(c: Config, title: str) -> Job:
    """Starts the config's verb as a job, or gives the one that is doing the same already (a double click, a second tab)."""
    same = of(c)
    if same is not None and same.active:
        return same
    return jobs.submit(c, title=title)


def start_warm(c: Config, title: str) -> Job:
    """The same in the waiting process, which has its libraries imported."""
    same = of(c)
    if same is not None and same.active:
        return same
    return standby.submit(c, HEAVY, title=title)


def of(c: Config) -> Job | None:
    """The newest job with exactly this command."""
    argv = configs.to_argv(c)
    return next((j for j in jobs.every() if j.argv[2:] == argv), None)


def remaining(job: Job) -> float | None:
    """Seconds to go, if the rest takes as long a step as the part that is done."""
    if not job.total or not job.done or job.seconds is None:
        return None
    return job.seconds / job.done * (job.total - job.done)


def progress_text(job: Job, left: float | None = None) -> str:
    """What it does, how far it is, and the time left: `left` in seconds where somebody knows better than `remaining`."""
    queued = job.kind == "train" and job.state == "waiting"
    words = [job.note or ("waits for the training before it" if queued else "starting")]
    if job.total:
        words.append(f"{job.done:,} of {job.total:,}")
    left = remaining(job) if left is None else left
    if left is not None and job.state == "running":
        words.append(f"about {about(left)} left")
    return " · ".join(words)


def about(seconds: float) -> str:
    """40 s, 14 min, 2 h 5 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def watch(ids: Sequence[str], show: Callable[[Job], None] | None = None, every: float = 1.0) -> None:
    """The jobs, kept up to date while one of them is active; when one ends the whole page is run again."""

    @st.fragment(run_every=every)
    def ticking() -> None:
        now = [jobs.read(i) for i in ids]
        if not all(j.active for j in now):
            st.rerun()
        for job in now:
            (show or bar)(job)

    ticking()


def failure(job: Job) -> None:
    """Why a job ended without a result, with the end of its log; nothing for any other job."""
    if job.error:
        st.error(f"{job.title}: {job.error}", icon=":material/error:")
        with st.expander("The end of its log"):
            st.code(jobs.log(job.id, tail=3000) or "Nothing printed.", language=None)


def bar(job: Job, left: float | None = None) -> None:
    """Title, progress and a button to cancel. left: seconds to go, where the job's own pace does not tell them."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.progress(min(1.0, job.done / job.total) if job.total else 0.0, text=f"{job.title}: {progress_text(job, left)}")
        if st.button("Cancel", key=f"cancel_{job.id}"):
            jobs.cancel(job.id)
            st.toast(f"{job.title} is asked to stop")


def line(job: Job) -> None:
    """One quiet line, where a job takes seconds."""
    st.caption(f":material/autorenew: {progress_text(job)}")


def sidebar() -> None:
    """What runs now, on every page."""
    active = jobs.active()
    if not active:
        return

    @st.fragment(run_every=2.0)
    def ticking() -> None:
        now = jobs.active()
        if not now:
            st.rerun()
        st.caption("Running now")
        for job in now:
            st.progress(min(1.0, job.done / job.total) if job.total else 0.0, text=f"{job.title} · {job.note or job.state}")

    ticking()
