"""Quality against cost on the Diffusion Sampler screen: the curve of a model, what it says, and the job that measures it."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core import costs, export, figures, generate, leaderboard, models
from core.configs import CostConfig, SampleConfig
from core.costs import Curve, Point
from core.evaluate import HELD_OUT
from core.sampling import SAMPLERS
from core.types import DatasetCard
from core.ui import components, running

SIZES = (256, 1024, 4096)

_DDIM = "https://arxiv.org/abs/2010.02502"
PUBLISHED: tuple[tuple[str, int, float, str], ...] = (
    ("DDPM, averaged weights", 1000, 3.17, "https://arxiv.org/abs/2006.11239"),
    ("the same, trained anew", 1000, 3.21, "https://github.com/w86763777/pytorch-ddpm"),
    ("the same, weights not averaged", 1000, 8.06, "https://github.com/w86763777/pytorch-ddpm/issues/22"),
    ("DDIM, quadratic steps", 1000, 4.04, _DDIM),
    ("DDIM, quadratic steps", 50, 4.67, _DDIM),
    ("DDIM, quadratic steps", 20, 6.84, _DDIM),
    ("DDIM, quadratic steps", 10, 13.36, "https://github.com/ermongroup/ddim/issues/32"),
    ("DDIM, even steps", 100, 4.5, "https://github.com/VainF/Diff-Pruning"),
    ("DDIM, even steps", 10, 18.77, "https://github.com/ermongroup/ddim/issues/32"),
)
"""FID on CIFAR-10 by network evaluations, of the network that google/ddpm-cifar10-32 has, with its source."""


def panel(c: SampleConfig, data: DatasetCard | None) -> None:
    """For the model of `c` against the data set that it was trained with."""
    with st.expander("Quality against cost: how many network evaluations are enough?"):
        if data is None:
            st.caption(
                "The images that the model was trained with are not prepared here, so there is nothing to score it against."
            )
            return
        with components.friendly_errors():
            asked = settings(c, data)
            components.command(asked)
            found, job = costs.found(asked), running.of(asked)
            whole = found is not None and len(found.points) == len(costs.ways(asked)) and found.points[0].n == asked.n
            active = job is not None and job.active
            if st.button("Measure", key="sm_measure", disabled=whole or active, icon=":material/query_stats:"):
                job = running.start(asked, f"Cost curve of {c.model}")
            if job is not None and job.active:
                running.watch([job.id])
            elif job is not None:
                running.failure(job)
            if found is not None:
                shown(asked, found)
            elif not active:
                st.caption(f"Not measured yet: {expected(asked)}.")


def published(c: SampleConfig) -> None:
    """What others measured with the network of google/ddpm-cifar10-32; nothing for models that are not imported."""
    if not getattr(models.training_config(models.card(c.model)), "imported", ""):
        return
    with st.expander("Published figures of google/ddpm-cifar10-32's network on CIFAR-10"):
        st.caption(
            "FID of 50,000 images against the training images. These figures do not compare with scores of other images, "
            "extractors or numbers of images, such as those above. For the published weights themselves no measurement was "
            "found; they are very likely not the averaged ones, so that 3.17 is not theirs."
        )
        table = [{"Sampler": s, "Evaluations": k, "FID": fid, "Source": source} for s, k, fid, source in PUBLISHED]
        st.dataframe(table, hide_index=True, height="content", column_config={"Source": st.column_config.LinkColumn()})


def settings(c: SampleConfig, data: DatasetCard) -> CostConfig:
    """What is measured; its images are those of the chosen seed."""
    samplers, n, margin = components.cells(3, 200)
    chosen = samplers.multiselect(
        "Samplers",
        list(SAMPLERS),
        default=["ddim", "unipc", "dpmpp"],
        key="sm_cost_samplers",
        format_func=lambda s: SAMPLERS[s].label,
    )
    many = n.selectbox("Images of each", SIZES, key="sm_cost_n", help="256 show large differences, more of them small ones.")
    says = "The largest difference that you call none, in percent of the score of DDIM with 250 steps. Set it before you look."
    share = margin.number_input("Margin (%)", 1, 50, 10, key="sm_cost_margin", help=says)
    words = {"samplers": ",".join(chosen) or "ddim", "n": int(many), "margin": share / 100}
    return CostConfig(c.model, data.name, seed=c.seed, **words)  # type: ignore[arg-type]


def expected(c: CostConfig) -> str:
    """What measuring takes: "12 ways of drawing 256 images, 103,168 evaluations of the network in all"."""
    ways = costs.ways(c)
    total = c.n * sum(generate.evaluations(w) for w in ways)
    return f"{len(ways)} ways of drawing {c.n:,} images, {total:,} evaluations of the network in all"


def shown(c: CostConfig, curve: Curve) -> None:
    """The sentence, the figure, the table."""
    st.markdown(f"**{components.plain(costs.said(curve))}**")
    n = curve.points[0].n
    st.caption(f"{n:,} images of each, all from the same noise; the reference is DDIM with {c.reference} steps.")
    beside = [r for r in leaderboard.rows(c.dataset, c.protocol) if r["n"] == n]
    # Noise would press the curves together; real images are what they come down to.
    rows = [r for r in beside if r["model"] in (c.model, HELD_OUT)]
    figure, alt = figures.cost(rows, label=curve.label)
    components.plot(figure, alt, "sm_cost")
    table = [row(p, curve.label) for p in curve.points]
    st.dataframe(table, hide_index=True, height="content")
    csv = export.table(table, "csv")
    st.download_button("As CSV", csv, f"cost-{c.model}.csv", "text/csv", on_click="ignore", icon=":material/download:")


def row(p: Point, label: str) -> Mapping[str, Any]:
    return {
        "Sampler": f"{SAMPLERS[p.sampler].label}, {p.grid}",
        "Evaluations": p.evaluations,
        label: round(p.value, 4),
        "Error": None if p.error is None else round(p.error, 4),
        "Less the reference": round(p.difference, 4),
        "Its error": round(p.difference_error, 4),
        "Verdict": p.verdict,
        "Seconds an image": None if p.seconds is None else round(p.seconds, 3),
    }
