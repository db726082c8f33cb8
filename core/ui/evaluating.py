"""Evaluations from the Metrics Leaderboard: the form, those that run, and the same again on a fresh seed."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from core import configs, evaluate, features, generate, jobs, leaderboard, models
from core.configs import EvaluateConfig
from core.errors import ConfigError, ScoreError
from core.sampling import SAMPLERS, step_counts
from core.types import EvalProtocol, Job
from core.ui import components, running

Row = Mapping[str, Any]

ANOTHER = "Another folder of images"
FEWEST_STEPS = 5


def weights_missing(rules: EvalProtocol) -> str:
    """What the protocol's network lacks and where it goes, with what works without it; "" if nothing is missing."""
    state = features.state(rules.extractor)
    if state == "present":
        return ""
    return state if "lite0" in state or rules.extractor == "lite0" else f"{state} The protocol lite0 works without it."


def start(target: str, dataset: str, rules: EvalProtocol, **how: Any) -> Job:
    return launch(EvaluateConfig(target, dataset=dataset, protocol=rules.name, **how))


def launch(c: EvaluateConfig) -> Job:
    return running.start(c, f"Evaluate {c.target} on {c.dataset}")


# ------------------------------------------------------------------------------------------------------------ form


def form(dataset: str, label: str, rules: EvalProtocol) -> None:
    """What is scored against what, how many images and how they are drawn; then its cost, its command, and the button.

    dataset: "" where the table is about a folder, whose path only its rows know.
    """
    first, second = st.columns(2)
    target = first.selectbox(
        "Model, or the path of a folder of images",
        [*(m.id for m in models.cards()), *models.BUILTIN],
        key="lb_target",
        bind="query-params",
        accept_new_options=True,
    )
    against = second.selectbox("Compare with", [*([label] if dataset else []), ANOTHER], key="lb_against")
    reference = dataset
    if against == ANOTHER:
        reference = st.text_input("Folder of real images", key="lb_reference", placeholder="path of the folder").strip()
    how = _how(str(target or ""), rules)
    if not target or not reference:
        st.caption(
            "Choose a model or type the path of a folder." if reference else "Type the path of the folder to compare with."
        )
        return
    c = EvaluateConfig(str(target), dataset=reference, protocol=rules.name, **how)
    st.caption(cost(c))
    components.command(c)
    if st.button("Evaluate", type="primary", key="lb_evaluate"):
        launch(c)
        st.rerun()


def _how(target: str, rules: EvalProtocol) -> dict[str, Any]:
    """Number of images, seed and, for a model that draws in steps, its sampler."""
    stepwise = target in {m.id for m in models.cards() if m.family == "ddpm"}
    cells = iter(components.cells(4 if stepwise else 2, 150))
    if rules.n_real:
        n = 0
        next(cells).number_input("Images", value=rules.n, disabled=True, help="These rules are about this number and no other.")
    else:
        says = f"{rules.n:,} is the protocol's number; fewer give larger errors."
        n = int(next(cells).number_input("Images", 16, 1_000_000, rules.n, key=f"lb_n_{rules.name}", help=says))
    same = "Image i of two models with one seed is one pair: equal seeds make the comparison sharper."
    seed = int(next(cells).number_input("Seed", 0, 2**31 - 1, 0, key="lb_seed", help=same))
    how: dict[str, Any] = {"n": 0 if n == rules.n else n, "seed": seed}
    if stepwise:
        names = list(SAMPLERS)
        sampler = next(cells).selectbox(
            "Sampler", names, names.index("ddim"), key="lb_sampler", format_func=lambda s: SAMPLERS[s].label
        )
        row = SAMPLERS[str(sampler)]
        counts = [k for k in step_counts(row, row.grids[generate.noise(target)][0]) if k >= FEWEST_STEPS]
        says = "Passes through the network for one image: what drawing costs."
        steps = next(cells).selectbox("Steps", counts, counts.index(row.default_steps), key=f"lb_steps_{sampler}", help=says)
        how |= {"sampler": str(sampler), "steps": int(steps)}
    return how


def cost(c: EvaluateConfig) -> str:
    """What the click will take: "About 4 min: 2,048 images to draw, 9,123 images to measure."."""
    e = evaluate.expected(c)
    work = [f"{n:,} images to {what}" for n, what in ((e.draws, "draw"), (e.passes, "measure")) if n]
    if not work:
        return "All of it is in the cache already: this takes a moment."
    known = "Nothing like it was timed on this machine yet" if e.seconds is None else f"About {components.duration(e.seconds)}"
    return f"{known}: {' and '.join(work)}. What is done once is kept."


# --------------------------------------------------------------------------------------------------------- running


def config_of(words: Sequence[str]) -> EvaluateConfig | None:
    """The config behind an argv or a recorded command, from the words after `python -m`; None for another verb's or version's."""
    if tuple(words[:2]) != EvaluateConfig.VERB:
        return None
    try:
        return configs.from_argv(EvaluateConfig, words)
    except (SystemExit, ConfigError):
        return None


def recorded(command: str) -> EvaluateConfig | None:
    return config_of(shlex.split(command)[2:])


def provisional(active: Sequence[Job], dataset: str, rules: EvalProtocol) -> list[dict[str, Any]]:
    """The first number of each evaluation that runs for this table: job, model, value, error, n."""
    found = []
    for job in active:
        c, told = config_of(job.argv[2:]), _told(job.id)
        if c is not None and told and c.protocol == rules.name and _dataset(c) == dataset:
            found.append({"job": job.id, "model": c.target, **told})
    return found


def _told(job_id: str) -> dict[str, Any]:
    for event in reversed(jobs.history(job_id)):
        if "provisional_value" in event:
            keys = ("value", "error", "n")
            return {k: event.get(f"provisional_{k}") for k in keys}
    return {}


def _dataset(c: EvaluateConfig) -> str:
    try:
        return evaluate.dataset_name(c.dataset)
    except ScoreError:  # the folder is gone
        return c.dataset


def watch(active: Sequence[Job]) -> None:
    """Bars of the evaluations that run; the page runs again when one of them gives its first number."""
    known = {j.id for j in active if _told(j.id)}

    def show(job: Job) -> None:
        running.bar(job)
        if job.id not in known and _told(job.id):
            st.rerun()

    running.watch([j.id for j in active], show)


# ----------------------------------------------------------------------------------------------------------- again


def fresh(rows: Sequence[Row]) -> None:
    """On which seed the order was chosen, how often it was tried, and the button that measures the best where nobody looked."""
    best = next((r for r in rows if r["rank"] is not None and r["kind"] == "model" and not r["flagged"]), None)
    if best is None:
        return
    tried = sum(int(r["evaluations"]) for r in rows if r["kind"] == "model")
    reported = best["report_kid"] is not None
    name = components.plain(best["model"])
    st.caption(
        f"{tried:,} evaluation{'s' * (tried != 1)} of models are on record here; the best, {name}, was chosen on seed "
        f"{best['seed']}. The best of several tries looks better than it is: quote it from a seed that no choice has seen"
        + (", in the column “On another seed”." if reported else ".")
    )
    c = recorded(str(best["command"]))
    if reported or c is None:
        return
    if st.button("Measure the best on a fresh seed", key="lb_fresh", help=f"Evaluates {name} once more, on another seed"):
        used = {r["seed"] for r in leaderboard.history(best["evaluation"])}
        launch(replace(c, seed=next(s for s in range(1, len(used) + 2) if s not in used)))
        st.rerun()


def again(r: Row, key: str) -> None:
    """The button that makes an evaluation's pictures anew; real images have no command of their own."""
    c = recorded(str(r["command"]))
    if c is None or (r["kind"] == "yardstick" and r["seed"] is None):
        return
    if st.button("Evaluate again", key=key):
        launch(c)
        st.rerun()
