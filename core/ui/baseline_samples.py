"""Real images and the baselines beside each other on the Baselines screen: the same number, size and seed."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from core import evaluate, generate, leaderboard, models
from core.configs import Config, SampleConfig
from core.protocols import MATCHED, label
from core.types import DatasetCard, ModelCard
from core.ui import components, content, running, scores

SHOWN = 16  # images a baseline
RULES = "lite0"
NARROWEST = 190  # screen pixels of a column


def side_by_side(card: DatasetCard) -> ModelCard | None:
    """The four columns. The VAE that is chosen among those of this data set, or None where there is none."""
    vae = choice(card)
    known = measured(card.name)
    columns = components.cells(4, NARROWEST)
    with columns[0]:
        st.markdown("**Real images**")
        components.picture(content.first(card, "train", SHOWN, 4), f"{SHOWN} real images of {card.label}", width="stretch")
        note("The training data.", known.get(evaluate.HELD_OUT))
        components.link("dataset_explorer", "Look at the data", ds_name=card.name)
    gaussian = models.builtin(models.GAUSSIAN, card.name, card.size)
    drawn(columns[1], "Uniform noise", models.builtin(models.NOISE, "", card.size), "Every value at random.", card, known)
    drawn(columns[2], "Gaussian of pixels", gaussian, "The data's colours, no shapes.", card, known)
    if vae is None:
        with columns[3]:
            st.markdown("**VAE**")
            components.empty("No VAE is trained here yet", "The form below trains one in a few minutes.")
    else:
        drawn(columns[3], f"VAE {components.plain(vae.id)}", vae.id, "Random codes, decoded.", card, known)
    says = f"{SHOWN} of each, drawn from seed 0."
    if known:
        n = scores.count(next(iter(known.values()))["n_matched"])
        says += f" KID at {n} images each, lower is better; that of real images is of held-out ones."
    st.caption(says)
    return vae


def choice(card: DatasetCard) -> ModelCard | None:
    """One of the VAEs of this data set, and of the imported ones of which nobody said what they were trained on."""
    vaes = {m.id: m for m in models.cards() if m.family == "vae" and m.dataset in (card.name, "")}
    if not vaes:
        return None
    # Those of this data set first.
    names = sorted(vaes, key=lambda i: vaes[i].dataset == "")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        vae = vaes[str(st.selectbox("VAE", names, key="bl_vae", bind="query-params", width=320))]
        st.caption(f"{origin(vae)} · codes of {models.training_config(vae).latent} numbers")
    return vae


def origin(card: ModelCard) -> str:
    if models.is_example(card):
        return "An example that came with the studio"
    return "Imported" if card.origin.startswith(("file:", "hub:")) else "Trained here"


def drawn(column: Any, title: str, model: str, says: str, card: DatasetCard, known: Mapping[str, Any]) -> None:
    """One column: samples of a model, what it is, its score, and the way to more."""
    with column:
        st.markdown(f"**{title}**")
        samples(SampleConfig(model, n=SHOWN), title)
        note(says, known.get(model))
        words = "Leaderboard" if model in known else "Evaluate"
        components.link("metrics_leaderboard", words, lb_dataset=card.name, lb_target=model.split("@")[0])


def note(says: str, row: Mapping[str, Any] | None) -> None:
    """One line on what it is, one on how it scored."""
    st.caption(says)
    value = scores.with_error(row[f"kid{MATCHED}"], row[f"kid{MATCHED}_error"]) if row else ""
    st.caption(f"{label(RULES, 'kid')} {value}" if value else "Not evaluated yet")


def measured(dataset: str) -> dict[str, Mapping[str, Any]]:
    """By model: the row of the leaderboard. Only rows whose KID is on equal Terms with the first one's."""
    rows = [r for r in leaderboard.rows(dataset, RULES) if r["kind"] != "folder" and not r["origin"] and r["terms_matched"]]
    found: dict[str, Mapping[str, Any]] = {}
    for r in rows:
        if r["terms_matched"] == rows[0]["terms_matched"]:
            found.setdefault(str(r["model"]), r)
    return found


# ------------------------------------------------------------------------------------------------------------ jobs


def samples(c: SampleConfig, title: str) -> None:
    """The images if they are drawn; else the job that draws them. Nobody has to ask for these: they take seconds."""
    # Noise needs neither a network nor a fit: drawing it costs less than starting a job.
    way = generate.recorded(c) if c.model.startswith(models.NOISE) else generate.recording(c)
    if way is not None:
        components.picture(content.frame(c, "x", -1, 4), f"{SHOWN} samples: {title}", width="stretch")
        return
    awaited(c, f"Draw {title}", "Draw again")


def awaited(c: Config, title: str, again: str) -> None:
    """The job that makes what is not there yet: started here, watched, or why it failed and the button that tries again."""
    job = running.of(c)
    if job is None:
        job = running.start(c, title)
    if job.active:
        running.watch([job.id], running.line)
        return
    running.failure(job)
    if not job.error:
        st.caption("Its result is not in the cache any more." if job.state == "done" else "It was cancelled.")
    if st.button(again, key=f"again_{job.id}"):
        running.start(c, title)
        st.rerun()
