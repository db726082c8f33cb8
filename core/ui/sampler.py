"""Panels of the Diffusion Sampler screen."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core import generate, paths, pictures
from core.configs import SampleConfig
from core.sampling import SAMPLERS
from core.types import Arrays, Job, ModelCard
from core.ui import components, content, running

COLUMNS = 4
CHOICES = (4, 8, 16, 32, 64)
DIVISORS = tuple(k for k in range(5, 1001) if 1000 % k == 0)


def choose(trained: Sequence[ModelCard]) -> SampleConfig:
    """The settings of a drawing; all of them in the URL."""
    ids = [m.id for m in trained]
    first, second, third, fourth, fifth = st.columns([3, 2, 2, 1, 1])
    model = first.selectbox("Model", ids, key="sm_model", bind="query-params")
    name = second.selectbox(
        "Sampler",
        list(SAMPLERS),
        index=list(SAMPLERS).index("ddim"),
        key="sm_sampler",
        format_func=lambda s: SAMPLERS[s].label,
        bind="query-params",
    )
    row = SAMPLERS[str(name)]
    steps = third.select_slider(
        "Steps",
        DIVISORS,
        value=row.default_steps,
        key=f"sm_steps_{name}",
        help="Network evaluations an image; more take longer. Only numbers that divide the model's 1,000 noise levels evenly.",
        bind="query-params",
    )
    n = fourth.selectbox("Images", CHOICES, index=CHOICES.index(16), key="sm_n", bind="query-params")
    seed = fifth.number_input(
        "Seed",
        0,
        2**31 - 1,
        0,
        key="sm_seed",
        help="The same seed starts every sampler from the same noise.",
        bind="query-params",
    )
    with st.expander("More settings"):
        left, middle, right = st.columns(3)
        grid = left.selectbox("Time grid", row.grids, key=f"sm_grid_{name}", help="Which of the 1,000 noise levels are visited.")
        eta = 0.0
        if name == "ddim":
            eta = middle.slider(
                "Eta",
                0.0,
                1.0,
                0.0,
                0.1,
                key="sm_eta",
                help="0: the same noise always gives the same image; 1: fresh noise at each step.",
            )
        weights = right.selectbox(
            "Weights", ("ema", "raw"), key="sm_weights", help="Averaged over the training, or those of its last step."
        )
    return generate.resolve(
        SampleConfig(
            str(model),
            n=int(n),
            seed=int(seed),
            weights=str(weights),
            sampler=str(name),
            steps=int(steps),
            grid=str(grid),
            eta=float(eta),
        )
    )


def live(job: Job) -> None:
    """The present picture while the job denoises: the noisy state above, the model's guess below."""
    running.bar(job)
    preview = paths.job(job.id) / "preview.png"
    if preview.is_file():
        components.picture(preview.read_bytes(), "first row: noisy state; second row: the model's present guess")


def trajectory(c: SampleConfig, way: Arrays) -> None:
    """A slider over the kept steps with the noisy state and the guess of the clean image, and the downloads."""
    last = len(way["x"]) - 1

    @st.fragment
    def scrub() -> None:
        index = st.slider("Step", 0, last, last, key="sm_step", help="0 is pure noise; the arrow keys move by one.")
        t, evaluations = float(way["timestep"][index]), int(way["evaluations"][index])
        st.caption(
            f"Step {index} of {last} · noise level t = {t:.0f} of 1,000 · {evaluations} network evaluations an image so far"
        )
        left, right = st.columns(2, gap="large")
        with left:
            st.markdown("**Noisy state** x_t")
            components.picture(content.frame(c, "x", index, COLUMNS), f"noisy state at step {index} of {last}", width="stretch")
        with right:
            st.markdown("**The model's guess** of the clean image")
            components.picture(
                content.frame(c, "x0", index, COLUMNS), f"guess of the clean image at step {index} of {last}", width="stretch"
            )

    scrub()
    seconds = generate.seconds(c)
    took = f" in {components.duration(seconds)}" if seconds else ""
    st.caption(f"{c.n} images, {generate.evaluations(c)} network evaluations each{took}; image i depends on the seed and i only.")
    with st.container(horizontal=True):
        st.download_button(
            "Images as PNG",
            lambda: content.frame(c, "x", last, COLUMNS),
            f"{c.model}-{c.seed}.png",
            "image/png",
            on_click="ignore",
        )
        st.download_button("The way as GIF", lambda: animation(way), f"{c.model}-{c.seed}.gif", "image/gif", on_click="ignore")
        components.link("metrics_leaderboard", "Evaluate this model", lb_target=c.model)


def animation(way: Arrays) -> bytes:
    return pictures.gif(np.stack([pictures.tiled(np.asarray(f), columns=COLUMNS, scale=3) for f in way["x"]]), fps=12)
