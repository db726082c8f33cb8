"""What the chosen VAE makes of images, on the Baselines screen: reconstructions, its plane, ways between images, your own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from core import latents, models, pictures
from core.configs import LatentConfig
from core.types import Arrays, DatasetCard, ModelCard
from core.ui import baseline_samples, components, content, plane

UPLOAD_MB = 20


@dataclass(frozen=True)
class Shown:
    """A VAE and the data set whose validation images it is shown with."""

    data: DatasetCard
    vae: ModelCard

    def config(self, show: str, *, image: str = "", seed: int = 0) -> LatentConfig:
        """An imported VAE does not say what it was trained on: then it is shown with this data set."""
        other = "" if self.vae.dataset == self.data.name else self.data.name
        return LatentConfig(self.vae.id, show=show, dataset=other, image=image, seed=seed)

    def found(self, c: LatentConfig, title: str) -> Arrays | None:
        """What is in the cache; until then the job that makes it, which nobody has to ask for: it takes seconds."""
        found = latents.cached(c)
        if found is None:
            baseline_samples.awaited(c, f"{title} of {self.vae.id}", "Try again")
        return found


def panel(data: DatasetCard, vae: ModelCard) -> None:
    """The four views of one VAE, the chosen one in the URL."""
    st.subheader(f"What {components.plain(vae.id)} makes of images", anchor=False)
    if vae.note and not models.is_example(vae):
        st.caption(f":material/info: {components.plain(vae.note[:1].upper() + vae.note[1:].rstrip('.'))}.")
    view = st.segmented_control(
        "View",
        list(VIEWS),
        default="Reconstructions",
        required=True,
        key="bl_view",
        label_visibility="collapsed",
        bind="query-params",
    )
    with components.friendly_errors():
        VIEWS[str(view)](Shown(data, vae))


# ------------------------------------------------------------------------------------------------- reconstructions


def reconstructions(s: Shown) -> None:
    c = s.config("reconstructions", seed=_seed("Which images"))
    found = s.found(c, "Reconstructions")
    if found is None:
        return
    errors = found["val_errors"][found["places"]]
    usual = latents.levels(np.median(found["val_errors"]), s.vae.size)
    cells = components.cells(len(errors), 84)
    for cell, i in zip(cells, errors.argsort(), strict=True):
        pair = np.stack([found["originals"][i], found["images"][i]])
        off = latents.levels(errors[i], s.vae.size)
        words = f"validation image {found['places'][i]} above its reconstruction, which is off by {off:.0f} of 255 levels"
        with cell:
            png = pictures.sheet(pair, columns=1, scale=content.scale(s.vae.size))
            components.picture(png, words, width="stretch", caption=f"± {off:.0f}")
    n = len(found["val_errors"])
    st.caption(
        f"Real images above, their reconstructions below, the best one first. ± is how far a colour value is off on average "
        f"(root mean square), in levels of 0 to 255; half of {n:,} validation images are off by less than {usual:.0f}."
    )
    components.command(c)


def _seed(label: str) -> int:
    says = "Another number shows other validation images."
    return int(st.number_input(label, 0, 9999, 0, key="bl_latent_seed", bind="query-params", help=says, width=180))


# --------------------------------------------------------------------------------------------------------- manifold


def manifold(s: Shown) -> None:
    numbers = latents.latent(s.vae)
    if numbers != 2:
        components.empty(
            "There is no plane to show",
            f"The codes of {components.plain(s.vae.id)} have {numbers} numbers, and a plane has 2. Train a VAE with latent = 2 "
            "below to move through all that it can draw.",
        )
        return
    c = s.config("manifold")
    found = s.found(c, "Manifold")
    if found is not None:
        plane.show(s.data, s.vae, found, latents.key(c))
        components.command(c)


# ---------------------------------------------------------------------------------------------------- interpolation


def interpolation(s: Shown) -> None:
    c = s.config("interpolation", seed=_seed("Which two images"))
    found = s.found(c, "Interpolation")
    if found is None:
        return
    frames, scale = found["images"], content.scale(s.vae.size)

    @st.fragment
    def scrub() -> None:
        last = len(frames) - 1
        says = "The arrow keys move by one frame."
        index = st.select_slider(
            "Way from the left image to the right one",
            range(last + 1),
            last // 2,
            key="bl_frame",
            format_func=lambda i: f"{i / last:.0%}",
            help=says,
        )
        parts = (
            ("Real image", found["originals"][0], "the image that the way begins at"),
            ("Decoded", frames[index], f"decoded frame {index} of {last}"),
            ("Real image", found["originals"][1], "the image that the way ends at"),
        )
        for column, (title, image, words) in zip(components.cells(3, plane.THIRD), parts, strict=True):
            with column:
                st.caption(title)
                components.picture(plane.enlarged(image), words, width="stretch")

    left, right = components.cells(2, plane.HALF)
    with left:
        scrub()
    with right:
        st.caption("All frames, row by row")
        sheet, _ = latents.laid_out("interpolation", found)
        components.picture(pictures.sheet(sheet, columns=5, scale=scale), "the way frame by frame", width="stretch")
        st.caption(
            "The codes lie on a straight line between those of the two images; the first and the last "
            "picture are real, all others decoded."
        )
    components.command(c)


# ------------------------------------------------------------------------------------------------------- your image


def yours(s: Shown) -> None:
    says = f"PNG, JPEG or WEBP, at most {UPLOAD_MB} MB. It stays on this machine."
    file = st.file_uploader("An image", type=["png", "jpg", "jpeg", "webp"], key="bl_image", help=says, max_upload_size=UPLOAD_MB)
    if file is None:
        st.caption(f"It is cropped to its central square and shrunk to {s.vae.size} pixels, as the data set was, then encoded.")
        return
    c = s.config("encode", image=str(latents.keep(file.getvalue(), file.name, s.vae.size)))
    found = s.found(c, "Your image")
    if found is None:
        return
    left, right = components.cells(2, plane.HALF)
    with left:
        shown = (("Prepared", "original"), ("Decoded", "image"))
        for column, (title, name) in zip(components.cells(2, plane.PAIRED), shown, strict=True):
            with column:
                st.caption(title)
                components.picture(plane.enlarged(found[name]), f"your image, {title.lower()}", width="stretch")
        st.markdown(verdict(found, s.vae.size))
    with right:
        if latents.latent(s.vae) == 2:
            plane.place(s.data, found)
        else:
            numbers(found)
    # With the file as its owner calls it.
    components.command(replace(c, image=file.name))


def verdict(found: Arrays, size: int) -> str:
    """How well the VAE knows such an image, measured against the validation images."""
    ratio, below = latents.beside_validation(found)
    off, n = latents.levels(found["error"][0], size), len(found["val_errors"])
    said = (
        f"Off by **{off:.0f} of 255 levels**; its squared error is **{ratio:.1f} times** that of the median of {n:,} validation "
        f"images, and {round(below * n):,} of them are decoded better."
    )
    if below > 0.95:
        return f"{said} This VAE has not seen such images."
    return f"{said} That is within what validation images show."


def numbers(found: Arrays) -> None:
    """The code, number by number."""
    rows = [{"Number": i + 1, "Code": float(z)} for i, z in enumerate(found["code"])]
    if "kl" in found:
        usual = found["val_kl"].mean(axis=0)
        rows = [r | {"KL": float(k), "KL, validation": float(u)} for r, k, u in zip(rows, found["kl"], usual, strict=True)]
    says = "How far this number's distribution lies from N(0, 1), in nats; near 0 it carries nothing"
    columns = {
        "Code": st.column_config.NumberColumn(format="%.2f"),
        "KL": st.column_config.NumberColumn(help=says, format="%.2f"),
        "KL, validation": st.column_config.NumberColumn(help="The mean over validation images", format="%.2f"),
    }
    st.caption(f"Its code of {len(rows)} numbers")
    st.dataframe(rows, hide_index=True, height=320, column_config=columns)


VIEWS: Mapping[str, Callable[[Shown], None]] = {
    "Reconstructions": reconstructions,
    "Manifold": manifold,
    "Interpolation": interpolation,
    "Your image": yours,
}
