"""Panels of the Metrics Leaderboard screen."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core import figures, models
from core.configs import EvaluateConfig
from core.protocols import MATCHED, label
from core.sampling import SAMPLERS, step_counts
from core.types import DatasetCard, EvalProtocol, Job
from core.ui import components, running

Row = Mapping[str, Any]


def start(target: str, card: DatasetCard, rules: EvalProtocol, **how: Any) -> Job:
    c = EvaluateConfig(target, dataset=card.name, protocol=rules.name, **how)
    return running.start(c, f"Evaluate {target} on {card.label}")


def form(card: DatasetCard, rules: EvalProtocol) -> None:
    """Target, size and sampler of an evaluation, its command and the button."""
    trained = [m.id for m in models.cards()]
    first, second, third = st.columns([3, 1, 1])
    target = first.selectbox(
        "Model, or the path of a folder of images",
        [*trained, "gaussian-pca", "noise"],
        key="lb_target",
        bind="query-params",
        accept_new_options=True,
    )
    n = second.number_input(
        "Images", 16, 1_000_000, rules.n, key="lb_n", help=f"{rules.n} is the protocol's number; fewer give larger errors."
    )
    seed = third.number_input("Seed", 0, 2**31 - 1, 0, key="lb_seed")
    how: dict[str, Any] = {"n": 0 if n == rules.n else int(n), "seed": int(seed)}
    if target in trained and models.card(str(target)).family == "ddpm":
        left, right = st.columns(2)
        name = left.selectbox(
            "Sampler",
            list(SAMPLERS),
            index=list(SAMPLERS).index("ddim"),
            key="lb_sampler",
            format_func=lambda s: SAMPLERS[s].label,
        )
        row = SAMPLERS[str(name)]
        counts = [k for k in step_counts(row, row.grids[0]) if k >= 5]
        steps = right.selectbox("Steps", counts, index=counts.index(row.default_steps), key=f"lb_steps_{name}")
        how |= {"sampler": str(name), "steps": int(steps)}
    if not target:
        st.caption("Choose a model, or type a folder.")
        return
    c = EvaluateConfig(str(target), dataset=card.name, protocol=rules.name, **how)
    components.command(c)
    if st.button("Evaluate", type="primary", key="lb_evaluate"):
        start(str(target), card, rules, **how)
        st.rerun()


def table(rows: Sequence[Row]) -> None:
    """One table a group of equal Terms: what is in two tables cannot be ranked together."""
    groups: dict[str, list[Row]] = {}
    for r in rows:
        groups.setdefault(str(r["terms"]), []).append(r)
    for i, group in enumerate(groups.values()):
        if i == 1:
            st.caption("Measured under other conditions (n, reference or weights differ), so not ranked with the table above:")
        # Within a group n is the same for all but held-out images, which fill the matched column only.
        n, matched = group[0]["n"], group[0]["n_matched"]
        st.dataframe([shown(r, n, matched) for r in group], hide_index=True, column_config=COLUMNS, key=f"lb_table_{i}")


def shown(r: Row, n: int, matched: int | None) -> dict[str, Any]:
    low, high = r["rank_low"], r["rank_high"]
    columns = {
        "Rank": "yardstick" if r["rank"] is None else str(low) if low == high else f"{low}–{high}",
        "Model": r["model"],
        "Drawn by": r["sampler"] or "–",
        f"KID (Lite0), n = {n:,}": with_error(r["kid"], r["kid_error"]),
    }
    if matched not in (None, n):
        columns[f"KID (Lite0), n = {matched:,}"] = with_error(r["kid_matched"], r["kid_matched_error"])
    band = f" ({r['fd_band']})" if r["fd_band"] and r["fd"] is not None else ""
    return columns | {
        "FD (Lite0)": with_error(r["fd"], r["fd_error"]) + band,
        "Evaluations": r["network_evaluations"],
        "s per 1,000": r["seconds_per_1000"],
    }


COLUMNS = {
    "Rank": st.column_config.TextColumn(
        help="1 + the number of rows that are significantly better (5 %, Holm); a range where the order is open"
    ),
    "FD (Lite0)": st.column_config.TextColumn(
        help="Fréchet distance of EfficientNet-Lite0 features; biased for small n, so it never decides here"
    ),
    "Evaluations": st.column_config.NumberColumn(help="Network evaluations to draw one image"),
    "s per 1,000": st.column_config.NumberColumn(
        format="%.1f", help="Seconds to draw 1,000 images, on the machine that drew them"
    ),
}


def best_models(rows: Sequence[Row]) -> list[Row]:
    """The best model of each data set and protocol, from its first group: that with the most images."""
    found: dict[tuple[str, str], Row] = {}
    first: dict[tuple[str, str], str] = {}
    for r in rows:
        where = (str(r["dataset"]), str(r["protocol"]))
        if r["kind"] == "model" and first.setdefault(where, str(r["terms"])) == r["terms"]:
            found.setdefault(where, r)
    return list(found.values())


def with_error(value: float | None, error: float | None) -> str:
    """0.1234 ± 0.0021; the error decides how many digits are shown."""
    if value is None:
        return "–"
    if error is None or error <= 0:
        return f"{value:.4g}"
    digits = max(0, 1 - int(f"{error:e}".split("e")[1]))
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def intervals(rows: Sequence[Row], rules: EvalProtocol) -> None:
    """Value and 95 % interval of each row; at the size of the held-out set where that is the smaller one."""
    lead = rules.metrics[0].metric
    matched = lead + MATCHED
    # Held-out photos are as many as there are; only the matched column has them beside the models.
    sizes = {matched: "as many as held-out", lead: "all"}
    default = matched if any(r[lead] is None for r in rows) else lead
    chosen = st.segmented_control(
        "Images of each model", list(sizes), default=default, required=True, key="lb_size", format_func=lambda r: sizes[r]
    )
    figure, alt = figures.ranking(rows, str(chosen), label=label(rules.name, lead))
    st.plotly_chart(figure, alt=alt, config={"displaylogo": False})
    st.caption(alt)


def details(rows: Sequence[Row]) -> None:
    with st.expander("How each number was made"):
        for r in rows:
            st.markdown(f"**{r['model']}** · measured {r['created_at']}")
            st.code(str(r["command"]), language="shell", wrap_lines=True)
        st.caption(
            "KID (Lite0): kernel distance of EfficientNet-Lite0 features ± standard error; 0 is the training data, lower is "
            "better. Rows with the same terms hash were measured under the same conditions: "
            + ", ".join(sorted({str(r["terms"])[:12] for r in rows}))
        )
