"""What is drawn on the Diffusion Sampler screen, how, and beside what; and the picture while it is drawn."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core import generate, paths, sampling
from core.configs import SampleConfig
from core.types import Job, ModelCard
from core.ui import components, running

CHOICES = (4, 8, 16, 32, 64)
FEWEST_STEPS = 5
MOST_BESIDE = 3


def choose(trained: Sequence[ModelCard]) -> SampleConfig:
    """The settings of a drawing; all of them in the URL."""
    names = list(sampling.SAMPLERS)
    # As many beside each other as fit: two rows on a narrow window.
    first, second, third, fourth, fifth = components.cells(5, 170)
    model = first.selectbox("Model", [m.id for m in trained], key="sm_model", bind="query-params")
    noise = generate.noise(str(model))
    presets(noise)
    name = second.selectbox(
        "Sampler", names, key="sm_sampler", format_func=lambda s: sampling.SAMPLERS[s].label, bind="query-params"
    )
    row = sampling.SAMPLERS[str(name)]
    with st.expander("More settings"):
        grid, eta, weights = more(row, noise)
    steps = third.select_slider(
        "Steps",
        [k for k in sampling.step_counts(row, grid) if k >= FEWEST_STEPS],
        value=row.default_steps,
        key=f"sm_steps_{name}_{grid}",
        help="More take longer. Where the time grid has to be divided evenly, only those numbers are offered.",
        bind="query-params",
    )
    n = fourth.selectbox("Images", CHOICES, index=CHOICES.index(16), key="sm_n", bind="query-params")
    same = "The same seed starts every sampler from the same noise."
    seed = fifth.number_input("Seed", 0, 2**31 - 1, 0, key="sm_seed", help=same, bind="query-params")
    how = {"weights": weights, "sampler": str(name), "steps": int(steps), "grid": grid, "eta": eta}
    return generate.resolve(SampleConfig(str(model), n=int(n), seed=int(seed), **how))  # type: ignore[arg-type]


def presets(noise: str) -> None:
    """Settings by what they cost: the ones that came closest to the truth for the model's kind of noise."""
    found = {p.label: p for p in sampling.PRESETS[noise]}

    def take() -> None:
        p = found.get(st.session_state["sm_preset"])
        if p is not None:
            st.session_state["sm_sampler"], st.session_state[f"sm_grid_{p.sampler}"] = p.sampler, p.grid
            st.session_state[f"sm_steps_{p.sampler}_{p.grid}"] = p.steps
        st.session_state["sm_preset"] = None

    says = "Sampler, steps and time grid at once. Network evaluations an image are what drawing costs."
    st.pills("Presets", list(found), key="sm_preset", on_change=take, help=says)


def beside(c: SampleConfig, trained: Sequence[ModelCard]) -> list[SampleConfig]:
    """What else starts from the same noise: other samplers at the same cost, other models with the same sampler."""
    noise, cost = generate.noise(c.model), generate.evaluations(c)
    options: dict[str, tuple[str, SampleConfig]] = {}
    for row in sampling.SAMPLERS.values():
        grid = row.grids[noise][0]
        steps = min(sampling.step_counts(row, grid), key=lambda k, of=row: abs(of.evaluations(k) - cost))  # type: ignore[misc]
        if row.name != c.sampler:
            options[row.name] = row.label, replace(c, sampler=row.name, grid=grid, steps=steps, eta=0.0)
    for m in trained:
        grids = sampling.SAMPLERS[c.sampler].grids[generate.noise(m.id)]
        if m.id != c.model:
            options[f"model {m.id}"] = m.id, replace(c, model=m.id, grid=c.grid if c.grid in grids else grids[0])
    chosen = st.multiselect(
        "Beside it, from the same noise",
        list(options),
        key="sm_beside",
        format_func=lambda o: options[o][0],
        max_selections=MOST_BESIDE,
        help="Other samplers at the cost that is nearest to the chosen one, or other models.",
        bind="query-params",
    )
    return [generate.resolve(options[o][1]) for o in chosen]


def name(c: SampleConfig) -> str:
    """ddpm-faces · UniPC (third order), 20 evaluations."""
    return f"{c.model} · {sampling.SAMPLERS[c.sampler].label}, {generate.evaluations(c)} network evaluations"


def more(row: sampling.Sampler, noise: str) -> tuple[str, float, str]:
    """Time grid, those that are right for the model's kind of noise; eta and weights."""
    left, middle, right = st.columns(3)
    grid = left.selectbox(
        "Time grid",
        row.grids[noise],
        key=f"sm_grid_{row.name}",
        format_func=lambda g: f"{g}: {sampling.GRIDS[g].label}",
        help="Which of the 1,000 noise levels are visited.",
        bind="query-params",
    )
    eta = 0.0
    if row.takes_eta:
        says = "0: the same noise always gives the same image; 1: fresh noise at each step."
        eta = float(middle.slider("Eta", 0.0, 1.0, 0.0, 0.1, key="sm_eta", help=says, bind="query-params"))
    says = "ema: averaged over the training; raw: those of its best step alone."
    weights = right.selectbox("Weights", ("ema", "raw"), key="sm_weights", help=says, bind="query-params")
    return str(grid), eta, str(weights)


def live(job: Job) -> None:
    """The present picture while the job denoises: the noisy state above, the model's guess below."""
    running.bar(job)
    preview = paths.job(job.id) / "preview.png"
    if preview.is_file():
        components.picture(preview.read_bytes(), "first row: noisy state; second row: the model's present guess")
