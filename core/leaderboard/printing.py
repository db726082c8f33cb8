"""What a paper shows of the rows: columns with their units, and a footnote with what must be equal."""

from collections.abc import Mapping, Sequence
from typing import Any

from core import export, protocols
from core.leaderboard.study import published
from core.metrics import METRICS

Rows = Sequence[Mapping[str, Any]]

PRINTED = (
    *("dataset", "protocol", "rank", "model", "origin", "sampler", "kid", "kid_error", "n", "n_real"),
    *("kid_matched", "kid_matched_error", "n_matched", "share", "copies", "fd", "fd_error", "fd_band"),
    *("fd_corrected", "fd_corrected_error", "seed", "report_kid", "report_kid_error", "network_evaluations", "seconds_per_1000"),
)
ABOVE = ("dataset", "protocol")
"""Columns that the title says where all rows have one value."""
PRINTED_OF_METHODS = ("rank", "method", "trainings", "kid", "error", "spread", "seeds", "models", "n", "terms", "why")
PAPERS = ("md", "latex")
"""Formats that people read."""
HEADINGS = {
    "dataset": "data set",
    "origin": "from",
    "n_real": "N_ref",
    "n_matched": "matched n",
    "share": "way from gaussian-pca to held-out (%)",
    "copies": "copies of training images (%)",
    "fd_band": "FD's n",
    "report_kid_error": "± SE (another seed)",
    "network_evaluations": "network evaluations / image",
    "seconds_per_1000": "s / 1,000 images",
    "error": "± SE over trainings",
    "spread": "SD over trainings",
    "why": "not ranked",
}
METHODS_NOTE = (
    "One training is one draw: ± SE is the standard error of the mean over trainings of different seeds, SD their standard "
    "deviation; rank = 1 + number of methods significantly better (Welch's t, 5 %, Holm); comparable within equal terms only."
)

Table = tuple[str, list[dict[str, Any]], str]
"""(title, rows under their headings, footnote)"""


def text(rows: Rows, format: str, protocol: str | None = None) -> str:
    """The rows as CSV or JSON, each with all that is known of it and nothing but them; as Markdown or LaTeX their `tables`."""
    return paper(tables(rows, protocol), format) if format in PAPERS else export.table(rows, format)


def paper(found: Sequence[Table], format: str) -> str:
    """Tables below each other, each with its title and its footnote. format: of PAPERS."""
    return "\n".join(export.heading(title, format) + export.table(mine, format, note) for title, mine, note in found)


def tables(rows: Rows, protocol: str | None = None) -> list[Table]:
    """One table for each data set, protocol and extractor's weights; then what others printed under these protocols, or under the
    one that was asked for."""
    found = [(title, for_print(mine), footnote(mine)) for title, mine in _blocks(rows)]
    names = dict.fromkeys([protocol] if protocol else [str(r["protocol"]) for r in rows])
    return found + [_printed(name, figures) for name in names if (figures := published(name))]


def method_tables(methods: Rows) -> list[Table]:
    """Of `methods`: one table for each data set, protocol and extractor's weights."""
    return [(title, _methods(mine), METHODS_NOTE) for title, mine in _blocks(methods)]


def for_print(rows: Rows) -> list[dict[str, Any]]:
    """The columns that a reader of a paper needs, under headings with units; `footnote` says the rest.

    The ± columns are standard errors. Columns in which no row has anything are left out, and those of ABOVE with one value.
    """
    names = {(str(r["protocol"]), str(r["weights"])) for r in rows}
    kept = [c for c in PRINTED if any(_cell(c, r) not in (None, "") for r in rows)]
    kept = [c for c in kept if c not in ABOVE or len({r[c] for r in rows}) > 1]
    headings = {c: _heading(c, names) for c in kept}
    return [{headings[c]: _cell(c, r) for c in kept} for r in rows]


def footnote(rows: Rows) -> str:
    """Under an exported table: whose features, and what must be equal before two of its numbers are compared."""
    if not rows:
        return ""
    leads = {str(r["protocol"]): protocols.protocol(str(r["protocol"])).metrics[0].key for r in rows}
    labels = {p: {w: protocols.label(p, lead, w) for w in {str(r["weights"]) for r in rows}} for p, lead in leads.items()}
    where = sorted({f"{r['dataset']} under {labels[str(r['protocol'])][str(r['weights'])]}" for r in rows})
    # The first row of a group has its n; held-out images beside it may be fewer.
    first = {str(r["terms"]): r for r in reversed(rows) if r["terms"]}
    terms = sorted(f"{hash_[:12]} (n = {r['n']}, N_ref = {r['n_real']})" for hash_, r in first.items())
    words = [
        ", ".join(where),
        "± are standard errors; lower is better",
        f"comparable within equal Terms only: {', '.join(terms)}",
    ]
    if any(r["rank"] is not None for r in rows):
        words.append("rank = 1 + number of entries significantly better (5 %, Holm), with every place that remains open")
    if any(not protocols.protocol(str(r["protocol"])).ranked for r in rows):
        words.append("rows marked 'not ranked' have too few images for any verdict")
    return "; ".join(words) + "."


def _blocks(rows: Rows) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """(title, rows) of each data set, protocol and extractor's weights: what never stands in one table of a paper."""
    found: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for r in rows:
        found.setdefault((str(r["dataset"]), str(r["protocol"]), str(r["weights"])), []).append(r)
    return [(f"{d} under {p}" + (f", weights {w[:8]}" if w else ""), mine) for (d, p, w), mine in found.items()]


def _methods(rows: Rows) -> list[dict[str, Any]]:
    names = {(str(r["protocol"]), str(r["weights"])) for r in rows}
    short = [{**r, "terms": str(r["terms"])[:12], "rank": _place(r) if r["rank"] is not None else ""} for r in rows]
    return [{_heading(c, names): r[c] for c in PRINTED_OF_METHODS} for r in short]


def _printed(name: str, figures: Rows) -> Table:
    """Figures that others printed under this protocol, as they stand there."""
    distance, score = (protocols.label(name, protocols.role(name, metric)) for metric in ("fd", "is"))
    headings = {
        "approach": "approach",
        "fid_flowers102": f"{distance}, Flowers102",
        "fid_celeba": f"{distance}, CelebA",
        "is": f"{score}, both mixed",
        "is_spread": "± SD",
        "note": "note",
    }
    sources = ", ".join(dict.fromkeys(str(r["source"]) for r in figures))
    note = f"Printed in {sources}, not measured here; never ranked."
    # With the digits that were printed, all of which are four.
    rows = [{h: f"{r[c]:.4f}" if isinstance(r[c], float) else r[c] for c, h in headings.items()} for r in figures]
    return f"{name}, as it was printed", rows, note


def _heading(column: str, names: set[tuple[str, str]]) -> str:
    """ "KID (Lite0)" under one protocol; the bare metric where the rows have several."""
    if column == "report_kid":
        return f"{_heading('kid', names)}, another seed"
    metric = column.removesuffix("_error").removesuffix(protocols.MATCHED)
    if column in HEADINGS or metric not in METRICS:
        return HEADINGS.get(column, column)
    if column.endswith("_error"):
        return f"± SE ({METRICS[metric].label}{', matched n' if protocols.MATCHED in column else ''})"
    if len(names) != 1:
        return METRICS[metric].label + (", matched n" if protocols.MATCHED in column else "")
    ((name, weights),) = names
    role = protocols.role(name, metric) + (protocols.MATCHED if protocols.MATCHED in column else "")
    return protocols.label(name, role, weights)


def _cell(column: str, row: Mapping[str, Any]) -> Any:
    value = row[column]
    if column in ("share", "copies"):
        return None if value is None else round(100 * value, 1)
    if column != "rank":
        return value
    if value is None:
        return "" if row["kind"] == "yardstick" else "not ranked"
    return _place(row)


def _place(row: Mapping[str, Any]) -> str:
    low, high = row["rank_low"], row["rank_high"]
    return str(low) if low == high else f"{low}-{high}"
