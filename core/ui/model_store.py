"""The models of a data set: what they are, what they came from; rename, delete, restore, import."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core import models
from core.configs import ImportConfig
from core.families import FAMILIES
from core.types import DatasetCard, ModelCard
from core.ui import components, running, training

HUB = "hub:google/ddpm-cifar10-32"


def panel(card: DatasetCard) -> None:
    """Models of this data set, and imported ones of which nobody said what they were trained on."""
    mine = [m for m in models.cards() if m.dataset in (card.name, "")]
    if mine:
        st.dataframe([row(m) for m in mine], hide_index=True, height="content", key="bl_models", column_config=COLUMNS)
    else:
        components.empty(
            f"No model is trained on {card.label} yet", "The form above starts a training; it goes on when this page is closed."
        )
    left, right = components.cells(2, 400)
    with left, components.friendly_errors():
        manage(mine, card)
    with right:
        bring_in(card)


COLUMNS = {
    "Validation loss": st.column_config.NumberColumn(
        format="%.4g", help="Compares only within one family, one prediction type and one weighting"
    ),
    "Steps": st.column_config.NumberColumn(format="localized"),
    "Created": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
}


def row(card: ModelCard) -> dict[str, Any]:
    """A model as a row of the table."""
    steps = card.metrics.get("steps")
    return {
        "Model": card.id,
        "Family": FAMILIES[card.family].label,
        "Origin": training.origin(card),
        "Fine-tuned from": card.base,
        "Validation loss": card.metrics.get("val_loss"),
        "Steps": None if steps is None else int(steps),
        "Created": card.created_at,
        "Data set": card.dataset or "unknown",
        "Note": card.note,
    }


# ------------------------------------------------------------------------------------------- rename, delete, restore


def manage(mine: Sequence[ModelCard], card: DatasetCard) -> None:
    """One model: where it comes from, the ways on, its name, its end; below it what is deleted or hidden."""
    st.markdown("**Manage**")
    own = {m.id: m for m in mine}
    if own:
        chosen = own[str(st.selectbox("Model", list(own), key="bl_model"))]
        onward(chosen, card)
        box = st.expander("Where it comes from", key="bl_lineage", type="compact", on_change="rerun")
        if box.open:
            lines = [f"- {what}: {components.plain(value)}" for what, value in models.lineage(chosen)]
            box.markdown("\n".join(lines))
        if models.is_example(chosen):
            st.caption("An example that came with the studio: it can be hidden, not changed.")
        else:
            change(chosen)
    back()
    hidden = models.examples_hidden()
    if st.toggle("Show the examples", not hidden, key="bl_examples", help="Models that came with the studio") == hidden:
        models.hide_examples(not hidden)
        st.rerun()


def onward(chosen: ModelCard, card: DatasetCard) -> None:
    """Links to what can be done with a model."""
    with st.container(horizontal=True):
        if chosen.family == "ddpm":
            components.link("diffusion_sampler", "Sample", sm_model=chosen.id)
        components.link("metrics_leaderboard", "Evaluate", lb_target=chosen.id)
        if chosen.size == card.size:
            family = FAMILIES[chosen.family].label
            components.link("baselines", "Fine-tune", bl_dataset=card.name, bl_family=family, bl_from=chosen.id)


def change(card: ModelCard) -> None:
    """Another name, or deletion."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        new = (st.text_input("New name", card.id, key=f"bl_rename_{card.id}") or "").strip()
        if st.button("Rename", key="bl_rename") and new != card.id:
            models.rename(card.id, new)
            st.toast(f"{card.id} is now {new}")
            st.rerun()
        if st.button("Delete", key="bl_delete", icon=":material/delete:", help="It can be restored below"):
            models.delete(card.id)
            st.toast(f"{card.id} is deleted and can be restored")
            st.rerun()


def back() -> None:
    """Deleted models, to be restored."""
    gone = [m.id for m in models.deleted()]
    if not gone:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Deleted", gone, key="bl_deleted")
        if st.button("Restore", key="bl_restore", icon=":material/undo:"):
            models.restore(str(chosen))
            st.toast(f"{chosen} is restored")
            st.rerun()


# ---------------------------------------------------------------------------------------------------------- import


def bring_in(card: DatasetCard) -> None:
    """A foreign checkpoint, by its path or its name on the Hugging Face Hub."""
    st.markdown("**Import**")
    says = "A Lightning checkpoint, a safetensors file or a diffusers folder. Nothing that it holds is executed."
    source = (st.text_input("File, folder or Hub name", key="bl_source", placeholder=HUB, help=says) or "").strip()
    left, right = st.columns(2, vertical_alignment="bottom")
    name = (left.text_input("Name", key="bl_source_name", placeholder="from the file's name") or "").strip()
    on_this = right.checkbox(f"Trained on {card.label}", key="bl_source_on", help="Leave it out where you do not know.")
    if not source:
        st.caption(f"Such as {HUB}: a diffusion model of 35.7 M weights at 32 pixels, to be fine-tuned on data of one's own.")
        return
    c = ImportConfig(source, name=name, dataset=card.name if on_this else "")
    components.command(c)
    job = running.of(c)
    if job is not None and job.active:
        running.watch([job.id])
        return
    if st.button("Import", key="bl_import", type="primary"):
        running.start(c, f"Import {source}")
        st.rerun()
    if job is not None:
        running.failure(job)
    if job is not None and job.state == "done":
        st.success(f"{job.result.get('model', 'The model')} is imported: it can be sampled, evaluated and fine-tuned.")
