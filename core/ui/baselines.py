"""Panels of the Baselines screen."""

from dataclasses import fields
from typing import Any

import streamlit as st

from core import generate, jobs, models, paths
from core.configs import DDPMConfig, SampleConfig, VAEConfig
from core.errors import StudioError
from core.types import DatasetCard, Job
from core.ui import components, content, running

SHOWN = 16  # images a baseline

FAMILIES: dict[str, tuple[str, type[Any]]] = {"vae": ("VAE", VAEConfig), "ddpm": ("DDPM", DDPMConfig)}

# What most people set; the rest waits behind "More settings".
MAIN = {"vae": ("epochs", "latent", "learning_rate", "batch"), "ddpm": ("steps", "learning_rate", "batch", "ema")}
# A first training on two CPU cores should end while one watches; both can be raised.
DEFAULTS = {"vae": {"epochs": 20}, "ddpm": {"steps": 1500}}


def side_by_side(card: DatasetCard) -> None:
    """Real images and the baselines' samples, 16 each, every one with the same seed."""
    vaes = [m for m in models.cards() if m.family == "vae" and m.dataset == card.name]
    shown: list[tuple[str, SampleConfig | None]] = [
        ("Real images", None),
        ("Uniform noise", SampleConfig("noise", n=SHOWN)),
        ("Gaussian of pixels", SampleConfig(f"gaussian-pca@{card.name}", n=SHOWN)),
    ]
    columns = components.cells(4, 170)
    for column, (title, c) in zip(columns, shown, strict=False):
        with column:
            st.markdown(f"**{title}**")
            if c is None:
                components.picture(content.first(card, "train", SHOWN, 4), f"{SHOWN} real images", width="stretch")
            else:
                samples(c, title)
    with columns[3]:
        st.markdown("**VAE**")
        if not vaes:
            components.empty("No VAE is trained here yet", "The form below trains one in a few minutes.")
            return
        place = st.container()
        chosen = st.selectbox("VAE", [m.id for m in vaes], key="bl_vae", bind="query-params", label_visibility="collapsed")
        with place:
            samples(SampleConfig(str(chosen), n=SHOWN), f"VAE {chosen}")


def samples(c: SampleConfig, title: str) -> None:
    """The images if they are drawn; else the job that draws them. Nobody has to ask for these: they take seconds."""
    # Noise needs neither a network nor a fit: drawing it costs less than starting a job.
    way = generate.recorded(c) if c.model == "noise" else generate.recording(c)
    if way is not None:
        components.picture(content.frame(c, "x", -1, 4), f"{SHOWN} samples: {title}", width="stretch")
        return
    job = running.of(c)
    if job is None:
        job = running.start(c, f"Draw {title}")
    if job.active:
        running.watch([job.id], running.line)
        return
    running.failure(job)
    if st.button("Draw again", key=f"draw_{c.model}"):
        running.start(c, f"Draw {title}")
        st.rerun()


def form(card: DatasetCard) -> Job | None:
    """The knobs of a training, its command, and the button; the job once it is started. A slip hides nothing below it."""
    with components.friendly_errors():
        return _form(card)
    return None


def _form(card: DatasetCard) -> Job | None:
    family = st.segmented_control(
        "Family",
        list(FAMILIES),
        default="vae",
        required=True,
        key="bl_family",
        format_func=lambda f: FAMILIES[f][0],
        bind="query-params",
    )
    assert isinstance(family, str)
    label, cls = FAMILIES[family]
    values: dict[str, Any] = {"dataset": card.name, "size": card.size}
    rest = [f for f in fields(cls) if f.name not in (*values, *MAIN[family])]
    main = [f for name in MAIN[family] for f in fields(cls) if f.name == name]
    for column, f in zip(st.columns(len(main)), main, strict=True):
        with column:
            values[f.name] = widget(family, f)
    with st.expander("More settings"):
        columns = st.columns(4)
        for i, f in enumerate(rest):
            with columns[i % 4]:
                values[f.name] = widget(family, f)
    c = cls(**values)
    components.command(c)
    if st.button(f"Train {label}", type="primary", key="bl_train"):
        title = f"Train {c.name or label} on {card.label}"
        return running.start(c, title)
    return None


def widget(family: str, f: Any) -> Any:
    """A widget for a knob: its help, its range and its choices come from the config."""
    label, key = f.name.replace("_", " ").capitalize(), f"bl_{family}_{f.name}"
    default, meta = DEFAULTS[family].get(f.name, f.default), f.metadata
    if f.type is bool:
        return st.checkbox(label, default, key=key, help=meta["help"])
    if meta["choices"]:
        return st.selectbox(label, meta["choices"], key=key, help=meta["help"])
    if f.type is str:
        return st.text_input(label, default, key=key, help=meta["help"]).strip()
    if f.type is int:
        return int(st.number_input(label, int(meta["low"]), int(meta["high"]), int(default), key=key, help=meta["help"]))
    text = st.text_input(label, f"{default:g}", key=key, help=meta["help"])
    try:
        return float(text)
    except ValueError as e:
        raise StudioError(f"{label} is '{text}'; needed: a number, such as {default:g}.") from e


def finished(job: Job) -> None:
    """One line of a finished training: its end, its model, and the way on."""
    with st.container(border=True):
        picture, words, links = st.columns([1, 3, 2], vertical_alignment="center")
        sheet = paths.job(job.id) / "samples.png"
        if sheet.is_file():
            picture.image(sheet.read_bytes(), output_format="PNG", alt="samples of the training")
        result = dict(job.result)
        words.markdown(f"{running.ICONS[job.state]} **{job.title}** · {job.state} after {components.duration(job.seconds)}")
        if job.error:
            words.caption(job.error)
        model = result.get("model")
        if not model:
            if words.button("Show its log", key=f"log_{job.id}", type="tertiary"):
                words.code(jobs.log(job.id, tail=3000) or "Nothing printed.", language=None)
            return
        words.caption(f"Model {model} · validation loss {result.get('val_loss', float('nan')):.4g}")
        with links:
            if job.argv[3] == "ddpm":
                components.link("diffusion_sampler", "Sample", sm_model=str(model))
            components.link("metrics_leaderboard", "Evaluate", lb_target=str(model))
