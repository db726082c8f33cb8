"""What several screens share: errors as sentences, empty states, pictures, commands, links."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

import streamlit as st

from core import configs, datasets, export, figures, paths
from core.configs import Config, PrepareConfig
from core.errors import StudioError
from core.types import DatasetCard
from core.ui import running


@contextlib.contextmanager
def friendly_errors() -> Iterator[None]:
    """A StudioError becomes its sentence; everything else stays the mistake that it is."""
    try:
        yield
    except StudioError as e:
        st.error(str(e), icon=":material/error:")


def heading(title: str, says: str) -> None:
    st.title(title, anchor=False)
    st.caption(says)


def plain(text: object) -> str:
    """Words of others, such as names out of an imported bundle, inside Markdown: no picture, link or emphasis comes of them."""
    return re.sub(r"([\\`*_\[\]<>~$|])", r"\\\1", str(text))


def link(page: str, label: str, **query: str) -> None:
    """A link to another screen; `query` sets its bound widgets."""
    st.page_link(paths.PROJECT / "pages" / f"{page}.py", label=label, icon=":material/arrow_forward:", query_params=query or None)


def empty(title: str, says: str) -> None:
    """The designed empty state: what is missing and why; the caller adds the button that starts it."""
    st.markdown(f"**{title}**")
    st.write(says)


def picture(png: bytes, alt: str, *, width: int | str = "content", caption: str | None = None) -> None:
    """PNG bytes, unchanged: Streamlit would turn them into JPEG otherwise, which falsifies noise."""
    st.image(png, caption=caption, width=width, output_format="PNG", alt=alt)  # type: ignore[arg-type]


def plot(figure: Any, alt: str, key: str, **chosen: Any) -> None:
    """A Plotly figure with its sentence, to be taken along: as SVG by the camera above it, as an interactive page, as numbers.

    chosen: on_select and selection_mode of `st.plotly_chart`, where a click on it chooses something.
    """
    # The format of the camera's picture: vectors, for a paper.
    camera = {"format": "svg", "filename": key}
    st.plotly_chart(figure, key=key, alt=alt, config={"displaylogo": False, "toImageButtonOptions": camera}, **chosen)
    st.caption(plain(alt))
    with st.container(horizontal=True):
        html, numbers = "Interactive figure (HTML)", "Numbers of the figure (CSV)"
        # Made at the click: the page carries Plotly within itself, some megabytes, and so opens without a network.
        st.download_button(
            html,
            lambda: figure.to_html(include_plotlyjs=True, full_html=True),
            f"{key}.html",
            "text/html",
            on_click="ignore",
            key=f"{key}_html",
            icon=":material/download:",
            help="Opens in any browser, offline. The camera above the figure saves it as SVG.",
        )
        st.download_button(
            numbers,
            lambda: export.table(figures.points(figure), "csv"),
            f"{key}.csv",
            "text/csv",
            on_click="ignore",
            key=f"{key}_csv",
            icon=":material/download:",
        )


def command(c: Config) -> None:
    """The shell line that does what the screen does."""
    st.code(configs.command(c), language="shell", wrap_lines=True)


def dataset_choice(key: str, label: str = "Data set") -> str:
    """A select box over the data sets, in the URL under `key`."""
    names = [c.name for c in datasets.cards()]
    return str(st.selectbox(label, names, key=key, bind="query-params"))


def prepared(name: str, size: int = 32) -> DatasetCard | None:
    """The card once the data set is prepared; until then shows what is going on, or the button that starts it."""
    card = datasets.card(name, size)
    if card.prepared:
        return card
    c = PrepareConfig(name, size=size)
    job = running.of(c)
    if job is None and card.source == "procedural":
        # Bundled data prepare themselves at the first visit: nothing is downloaded, and it takes seconds.
        job = running.start(c, f"Prepare {card.label}")
    if job is not None and job.active:
        st.write(f"{card.label} is being prepared; this page opens by itself.")
        running.watch([job.id])
        return None
    if job is not None:
        running.failure(job)
    empty(f"{card.label} is not prepared yet", f"Its images have to be cropped, resized to {size} x {size} and split once.")
    if st.button("Prepare", type="primary", key=f"prepare_{name}"):
        running.start(c, f"Prepare {card.label}")
        st.rerun()
    return None


def cells(n: int, narrowest: int) -> Sequence[st.delta_generator.DeltaGenerator]:
    """n places of equal width in as few rows as fit, none narrower than so many screen pixels."""
    grid = st.grid("auto", min_column_width=narrowest, gap="medium")
    return [grid.container() for _ in range(n)]


def duration(seconds: float | None) -> str:
    """3.2 s, 4 min 10 s, 2 h 5 min."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
