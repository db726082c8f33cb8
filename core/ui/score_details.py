"""One row of the leaderboard: its images, its conditions, its past, its command; and why two rows stand apart."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import streamlit as st

from core import compare, evaluate, leaderboard, pictures
from core.protocols import label
from core.types import Arrays, EvalProtocol, Evaluation
from core.ui import components, content, evaluating, scores

Row = Mapping[str, Any]

SHOWN = 12  # images with a caption of their own


def details(rows: Sequence[Row], rules: EvalProtocol) -> None:
    """The row that was clicked or chosen, in parts: only the one that is open is made."""
    by_id = {r["evaluation"]: r for r in rows}
    # The best that is no yardstick, until another one is clicked.
    first = next((i for i, r in enumerate(rows) if r["kind"] != "yardstick"), 0)
    chosen = st.selectbox(
        "Row", list(by_id), first, key="lb_row", format_func=lambda i: scores.name(by_id[i]), bind="query-params"
    )
    r = by_id[chosen]
    e = leaderboard.evaluation(int(r["evaluation"]))
    parts: dict[str, Callable[[], None]] = {
        "Samples": lambda: _pictured(e, r, _samples),
        "Nearest training images": lambda: _pictured(e, r, _nearest),
        "Images that hurt most": lambda: _pictured(e, r, lambda found, row: _worst(found, rules)),
        "Conditions": lambda: _conditions(e),
        "History": lambda: _history(r, rules),
        "Command": lambda: _command(e),
    }
    for (_, show), tab in zip(
        parts.items(), st.tabs(list(parts), key="lb_part", on_change="rerun", bind="query-params"), strict=True
    ):
        if tab.open:
            with tab:
                show()


# -------------------------------------------------------------------------------------------------------- pictures


def _pictured(e: Evaluation, r: Row, show: Callable[[Arrays, Row], None]) -> None:
    found = evaluate.gallery(e)
    if found is not None:
        show(found, r)
        return
    came = (
        f"It came from another machine ({components.plain(e.origin)}), and a bundle carries no pictures."
        if e.origin
        else "They are not in the cache."
    )
    components.empty("There are no pictures of this evaluation here", came)
    evaluating.again(r, "lb_again")


def strip(images: np.ndarray, columns: int) -> bytes:
    """(N, H, W, 3) uint8 -> PNG in so many columns."""
    return pictures.sheet(np.asarray(images), columns=columns, scale=content.scale(images.shape[1]))


def _samples(found: Arrays, r: Row) -> None:
    images = found["samples"]
    drawn = f"seed {r['seed']}" if r["seed"] is not None else "in the order of the set"
    components.picture(strip(images, 16), f"{len(images)} images of {r['model']}", width="stretch")
    st.caption(f"The first {len(images)} of {scores.count(r['n'])} images, {drawn}. None is chosen by hand.")


def _nearest(found: Arrays, r: Row) -> None:
    if "nearest_fake" not in found:
        st.caption(components.plain(r["refused"]) or "These rules do not look for copies.")
        return
    st.caption(
        "Left the generated image, right the training image nearest to it, mirrored where it says so. Ratio: its distance over "
        "that of the next neighbours; near 0 it is a copy, near 1 it resembles many alike. p: how often held-out real images "
        "come as near."
    )
    shown = min(SHOWN, len(found["nearest_fake"]))
    for i, cell in enumerate(components.cells(shown, 190)):
        pair = np.stack([found["nearest_fake"][i], found["nearest_real"][i]])
        words = f"ratio {found['nearest_ratio'][i]:.2f}, p = {found['nearest_p'][i]:.2g}"
        words += ", mirrored" if found["nearest_mirrored"][i] else ""
        with cell:
            says = f"generated image and nearest training image, {words}"
            components.picture(strip(pair, 2), says, width="stretch", caption=words)


def _worst(found: Arrays, rules: EvalProtocol) -> None:
    if "worst" not in found:
        st.caption("This score has no effect of single images on record.")
        return
    lead = label(rules.name, rules.metrics[0].key)
    st.caption(f"The generated images that raise {lead} most: without one, it would be lower by about the number below it.")
    shown = min(SHOWN, len(found["worst"]))
    for i, cell in enumerate(components.cells(shown, 120)):
        words = f"+{found['worst_effect'][i]:.2g}, image {int(found['worst_index'][i])}"
        with cell:
            says = f"generated image that raises {lead} by {words}"
            components.picture(strip(found["worst"][i : i + 1], 1), says, width="stretch", caption=words)


# ----------------------------------------------------------------------------------------------------------- words


def _conditions(e: Evaluation) -> None:
    """The Terms of one of its scores, field by field, and what they do not cover."""
    key = st.selectbox(
        "Score", list(e.scores), format_func=lambda k: label(e.protocol, k, e.scores[k].terms.weights_sha256), key="lb_score"
    )
    if key is None:
        st.caption("No score was possible: " + components.plain(" ".join(e.refused.values())))
        return
    terms = e.scores[str(key)].terms
    lines = [(compare.WORDS[k], v) for k, v in asdict(terms).items() if k != "params"]
    lines += [(f"{compare.WORDS['params']}: {k.replace('_', ' ')}", v) for k, v in terms.params.items()]
    lines.append(("fingerprint of all these conditions", terms.hash))
    st.caption("Scores are ranked together only where every one of these is equal.")
    _facts(lines)
    beside: list[tuple[str, Any]] = [
        ("images", e.fingerprint),
        ("measured", e.created_at),
        ("took", components.duration(e.seconds)),
    ]
    st.caption("Recorded beside them, and free to differ:")
    _facts([*beside, *e.versions.items()])


def _facts(lines: Sequence[tuple[str, Any]]) -> None:
    rows = [{"Condition": words, "Value": str(value)} for words, value in lines]
    st.dataframe(rows, hide_index=True, height="content", column_config={"Value": st.column_config.Column(width="large")})


def _history(r: Row, rules: EvalProtocol) -> None:
    past = leaderboard.history(int(r["evaluation"]))
    lead = rules.metrics[0].metric
    rows = [
        {
            "Measured (UTC)": h["created_at"],
            "Evaluation": h["evaluation"],
            "Seed": "–" if h["seed"] is None else str(h["seed"]),
            "n": scores.count(h["n"]),
            label(rules.name, rules.metrics[0].key): scores.with_error(h[lead], h[f"{lead}_error"]),
            "From": h["origin"] or "this machine",
        }
        for h in past
    ]
    st.dataframe(rows, hide_index=True, height="content")
    st.caption(
        f"All {len(past)} evaluations of {components.plain(r['model'])} drawn this way, whatever their seed and number of images."
    )


def _command(e: Evaluation) -> None:
    st.code(e.command or "No command is on record.", language="shell", wrap_lines=True)
    st.caption("Run in the studio's folder, it gives the same numbers; what is in the cache is not computed again.")


# ----------------------------------------------------------------------------------------------------------- apart


def apart(rows: Sequence[Row], every: Sequence[Row]) -> None:
    """Two rows of this data set, whatever their protocol, and the fields that keep them out of one ranking."""
    by_id = {r["evaluation"]: r for r in (*rows, *every)}
    columns = st.columns(2)
    # The question is asked of rows that stand in two tables.
    other = next((i for i, r in enumerate(by_id.values()) if r["terms"] != rows[0]["terms"]), min(1, len(by_id) - 1))
    names = {i: f"{scores.name(r)} · {r['protocol']}" for i, r in by_id.items()}
    if len(names) < 2:
        st.caption("This needs two rows.")
        return
    one, two = (
        column.selectbox(title, list(names), i, format_func=names.__getitem__, key=f"lb_apart_{title}", bind="query-params")
        for column, title, i in zip(columns, ("A", "B"), (0, other), strict=True)
    )
    found = leaderboard.why_apart(int(one), int(two))
    if not found:
        st.caption("Nothing keeps them apart: they were measured under equal conditions.")
        return
    st.dataframe([{"Condition": f, "A": a, "B": b} for f, a, b in found], hide_index=True, height="content")
    st.caption("A ranking across any of these differences would compare rules, not models.")
