"""What leaves the leaderboard and comes to it: tables, bundles of results between machines; and the self-test."""

import functools
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from core import export, leaderboard, results
from core.configs import SelftestConfig
from core.errors import ScoreError
from core.types import Job
from core.ui import components, running

Row = Mapping[str, Any]


def tables(rows: Sequence[Row], stem: str) -> None:
    """The table in every format; made at the click."""
    with st.container(horizontal=True):
        for form in export.FORMATS.values():
            st.download_button(
                form.label,
                functools.partial(text, rows, form.name),
                f"{stem}.{form.ending}",
                form.mime,
                on_click="ignore",
                key=f"lb_export_{form.name}",
                icon=":material/download:",
            )


def text(rows: Sequence[Row], form: str) -> str:
    """What people read has the columns of a paper; what programs read has them all."""
    return leaderboard.text(rows, form)


def bundles(dataset: str, protocol: str, any_rows: bool) -> None:
    """Results of this table as one file, and those of another machine from one."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**To another machine**")
        st.caption("Every evaluation of this data set and protocol with what comparisons need; no images, no models.")
        if any_rows:
            st.download_button(
                "Export results",
                lambda: packed(dataset, protocol),
                f"results-{dataset.replace('/', '-')}-{protocol}.zip",
                "application/zip",
                on_click="ignore",
                key="lb_bundle",
                icon=":material/download:",
            )
        else:
            st.caption("Nothing is scored here yet.")
    with right:
        st.markdown("**From another machine**")
        file = st.file_uploader("Results that were exported there", type="zip", key="lb_bundle_file")
        if file is not None and st.button("Import", key="lb_import", type="primary"):
            added, known = unpacked(file.name, file.getvalue())
            st.session_state["lb_imported"] = f"{added} evaluation{'s' * (added != 1)} added, {known} known already."
            st.rerun()
        if "lb_imported" in st.session_state:
            st.success(st.session_state.pop("lb_imported"))


def packed(dataset: str, protocol: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "results.zip"
        results.bundle(results.read(dataset, protocol), file)
        return file.read_bytes()


def unpacked(name: str, raw: bytes) -> tuple[int, int]:
    """(added, known already). ScoreError, by the file's own name, for what is no bundle."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / (Path(name.replace("\\", "/")).name or "results.zip")
        file.write_bytes(raw)
        try:
            return results.unbundle(file)
        except ScoreError as e:
            raise ScoreError(str(e).replace(f"{file}", file.name)) from e


def selftest() -> None:
    """The metrics against values known in closed form, on the libraries that are installed here."""
    st.caption("Runs the metrics, the verdicts and the cache on cases whose answer is known, with the libraries installed here.")
    c = SelftestConfig()
    components.command(c)
    job = running.of(c)
    if job is not None and job.active:
        running.watch([job.id])
        return
    if st.button("Run the self-test", key="lb_selftest"):
        running.start(c, "Self-test of the metrics")
        st.rerun()
    if job is not None:
        # A check that does not hold ends the job with a sentence; its log has the whole table.
        running.failure(job)
        checks(job)


def checks(job: Job) -> None:
    found = job.result.get("checks", [])
    if not found:
        return
    failed = sum(not k["ok"] for k in found)
    words = f"{len(found) - failed} of {len(found)} checks agree; run {job.created_at}, took {components.duration(job.seconds)}."
    (st.error if failed else st.success)(words)
    rows = [
        {
            "Result": "agrees" if k["ok"] else "DIFFERS",
            "Check": k.get("statement") or k["name"],
            "Expected": _digits(k["expected"]),
            "Found": _digits(k["found"]),
            "Tolerance": f"{k['tolerance']:.1g}",
        }
        for k in found
    ]
    st.dataframe(rows, hide_index=True, height="content", column_config={"Check": st.column_config.Column(width=540)})


def _digits(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.8g}"
