"""Trainings that have ended: what came of each, and the ways on: sample, evaluate, resume, train longer."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core import models, paths
from core.errors import StudioError
from core.jobs import resuming
from core.types import Job, ModelCard
from core.ui import components, running, training_live

FIRST = 5
ENDED = {"done": "done in", "failed": "failed after", "cancelled": "cancelled after", "lost": "lost after"}


def show(ended: list[Job]) -> None:
    """The newest ones, the rest on demand."""
    shown = ended if len(ended) <= FIRST or st.session_state.get("bl_all") else ended[:FIRST]
    cards = models.by_name()
    for job in shown:
        finished(job, cards)
    if len(ended) > FIRST:
        st.toggle(f"Show all {len(ended)}", key="bl_all")


def finished(job: Job, cards: Mapping[str, ModelCard]) -> None:
    """One training: samples, how it ended, its models, the ways on."""
    names = [str(n) for n in job.result.get("models") or filter(None, [job.result.get("model")])]
    with st.container(border=True, key=f"ended_{job.id}"):
        picture, words, ways = st.columns([1, 3, 2], vertical_alignment="center")
        png = training_live.enlarged(paths.job(job.id) / "samples.png")
        if png:
            picture.image(png, output_format="PNG", alt="samples of the training")
        with words:
            took = "" if job.seconds is None else components.duration(job.seconds)
            how = f"{ENDED[job.state]} {took}" if took else job.state
            st.markdown(f"{running.ICONS[job.state]} **{components.plain(job.title)}** · {how}")
            if job.error:
                st.caption(components.plain(job.error))
            outcome(job, names, cards)
        with ways:
            onward(job, [cards[n] for n in names if n in cards])
        if job.done:
            curve(job)
        if job.state != "done":
            training_live.log(job, "The end of its log")


def outcome(job: Job, names: list[str], cards: Mapping[str, ModelCard]) -> None:
    """The models that came of it with their losses, and what they were made from."""
    for name, loss in zip(names, job.result.get("val_losses") or [job.result.get("val_loss")], strict=False):
        if name not in cards:
            st.caption(f"Model {components.plain(name)} is not in the store any more.")
            continue
        card = cards[name]
        renamed = f" (trained as {name})" if card.id != name else ""
        base = f" · fine-tuned from {card.base}" if card.base else ""
        st.caption(components.plain(f"Model {card.id}{renamed} · validation loss {_digits(loss)}{base}"))
    if len(names) > 1:
        st.caption(f"Mean validation loss of the {len(names)} seeds: {_digits(job.result.get('val_loss'))}")


def _digits(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "unknown"


def onward(job: Job, made: list[ModelCard]) -> None:
    """Links to the screens that use a model; the button that goes on with a training."""
    if made:
        card = made[0]
        if len(made) > 1:
            card = st.selectbox("Model", made, key=f"of_{job.id}", format_func=lambda m: m.id, label_visibility="collapsed")
        if card.family == "ddpm":
            components.link("diffusion_sampler", "Sample", sm_model=card.id)
        components.link("metrics_leaderboard", "Evaluate", lb_target=card.id)
    c = training_live.config(job)
    if c is None:
        return
    if training_live.later(job):
        st.caption("A later training went on from here.")
    elif job.state == "done" and job.done < job.total:
        st.caption("It ended early: the validation loss no longer fell.")
    elif job.state == "done":
        longer(job, "steps" if getattr(c, "steps", 0) and not getattr(c, "epochs", 0) else "epochs", c)
    elif checkpoint(job):
        if st.button("Resume", key=f"resume_{job.id}", icon=":material/play_arrow:", help="Goes on from its last checkpoint"):
            go_on(job, {})
    elif st.button(
        "Start again", key=f"restart_{job.id}", help="It has no checkpoint yet: it begins anew with the same settings"
    ):
        running.start(c, job.title)
        st.rerun()


def checkpoint(job: Job) -> bool:
    """Whether there is something to go on from."""
    try:
        folder = paths.job(resuming.root(job).id) / "checkpoints"
    except StudioError:  # the job that began it is gone
        return False
    return next(folder.rglob("last*.ckpt"), None) is not None


def longer(job: Job, length: str, c: Any) -> None:
    """A finished training with a higher aim: more steps (or epochs) in all, published as a model of its own."""
    if not checkpoint(job):
        return
    with st.popover("Train longer", key=f"longer_{job.id}"):
        had = int(getattr(c, length))
        all_ = st.number_input(f"{length.capitalize()} in all", had + 1, None, 2 * had, key=f"longer_n_{job.id}")
        name = st.text_input("Name of the model", key=f"longer_name_{job.id}", placeholder="chosen by the studio")
        if st.button("Go on", key=f"longer_go_{job.id}", type="primary"):
            go_on(job, {length: int(all_), "name": (name or "").strip()})


def go_on(job: Job, given: Mapping[str, Any]) -> None:
    with components.friendly_errors():
        c = resuming.continued(job, given)
        running.start(c, job.title)
        st.rerun()


def curve(job: Job) -> None:
    """The loss curve and what can be taken along of it, made only while it is looked at."""
    box = st.expander("Loss curve", key=f"curve_of_{job.id}", type="compact", on_change="rerun")
    drawn = training_live.losses(job) if box.open else None
    if drawn:
        with box:
            components.plot(*drawn, key=f"loss-{job.id}")
            st.caption(training_live.COMPARABLE.get(job.argv[3], ""))
