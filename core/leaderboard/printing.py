"""What a paper shows of the rows: columns with their units, and a footnote with what must be equal."""

from collections.abc import Mapping, Sequence
from typing import Any

from core import export, protocols
from core.metrics import METRICS

Rows = Sequence[Mapping[str, Any]]

PRINTED = (
    *(
        "rank",
        "model",
        "origin",
        "sampler",
        "kid",
        "kid_error",
        "n",
        "n_real",
        "kid_matched",
        "kid_matched_error",
        "n_matched",
        "share",
        "copies",
    ),
    *("fd", "fd_error", "fd_band", "fd_corrected", "fd_corrected_error", "seed", "report_kid", "report_kid_error"),
    *("network_evaluations", "seconds_per_1000"),
)
PAPERS = {"md": "### ", "latex": "% "}
"""How a title begins in the formats that people read."""
HEADINGS = {
    "origin": "from",
    "n_real": "N_ref",
    "n_matched": "matched n",
    "share": "way from gaussian-pca to held-out (%)",
    "copies": "copies of training images (%)",
    "fd_band": "FD's n",
    "report_kid": "KID on another seed",
    "report_kid_error": "± SE (another seed)",
    "network_evaluations": "network evaluations / image",
    "seconds_per_1000": "s / 1,000 images",
}


def text(rows: Rows, format: str) -> str:
    """The rows as CSV or JSON, each with all that is known of it; as Markdown or LaTeX one table for each data set, protocol and
    extractor's weights, with its title and its footnote."""
    if format not in PAPERS:
        return export.table(rows, format)
    parts = [
        f"{PAPERS[format]}{title}\n\n{export.table(for_print(mine), format, footnote(mine))}" for title, mine in blocks(rows)
    ]
    return "\n".join(parts)


def blocks(rows: Rows) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """(title, rows) of each data set, protocol and extractor's weights: what never stands in one table of a paper."""
    found: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for r in rows:
        found.setdefault((str(r["dataset"]), str(r["protocol"]), str(r["weights"])), []).append(r)
    return [(f"{d} under {p}" + (f", weights {w[:8]}" if w else ""), mine) for (d, p, w), mine in found.items()]


def for_print(rows: Rows) -> list[dict[str, Any]]:
    """The columns that a reader of a paper needs, under headings with units; `footnote` says the rest.

    The ± columns are standard errors. Columns in which no row has anything are left out.
    """
    names = {(str(r["protocol"]), str(r["weights"])) for r in rows}
    kept = [c for c in PRINTED if any(_cell(c, r) not in (None, "") for r in rows)]
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


def _heading(column: str, names: set[tuple[str, str]]) -> str:
    """ "KID (Lite0)" under one protocol; the bare metric where the rows have several."""
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
    low, high = row["rank_low"], row["rank_high"]
    return str(low) if low == high else f"{low}-{high}"
