"""What the screens show of data and images, kept in memory by content: a name alone never is a key (see store.py)."""

import contextlib
import math
from dataclasses import replace

import numpy as np
import streamlit as st
from PIL import Image

from core import datasets, generate, pictures, pixels, survey
from core.configs import SampleConfig
from core.datasets import reading
from core.errors import DataError
from core.metrics.nearest import near, small
from core.types import Arrays, DatasetCard, digest

SPLITS = ("train", "val", "test")
SPLIT_LABELS = {"train": "Training", "val": "Validation", "test": "Test"}


def recipe(card: DatasetCard) -> str:
    return digest([dict(card.recipe), dict(card.splits)])


@st.cache_data(max_entries=64, show_spinner=False)
def _density(name: str, split: str, size: int, recipe: str) -> np.ndarray:
    return pixels.rgb_density(datasets.load(name, split, size=size))


def densities(card: DatasetCard) -> dict[str, np.ndarray]:
    """(3, 256) share of pixels at each value of red, green, blue, by split; from the survey where there is one."""
    found = survey.cached(card.name, card.size)
    if found is not None:
        return {SPLIT_LABELS[s]: pixels.density_of(found.described(s)) for s in found.splits}
    return {SPLIT_LABELS[s]: _density(card.name, s, card.size, recipe(card)) for s in SPLITS if card.splits.get(s)}


def members(name: str, split: str, size: int, label: int | None) -> np.ndarray:
    """Positions of the images of one class in a split; of all of them for None. Not kept: labels are no part of the recipe."""
    images = datasets.load(name, split, size=size)
    if label is None or images.labels is None:
        return np.arange(len(images))
    return np.flatnonzero(images.labels == label)


@st.cache_data(max_entries=128, show_spinner=False)
def sheet(name: str, split: str, size: int, recipe: str, positions: tuple[int, ...], columns: int) -> bytes:
    """A contact sheet of images of a split, as PNG."""
    images = datasets.load(name, split, size=size).images
    return pictures.sheet(images[list(positions)], columns=columns, scale=scale(size))


def original(name: str, split: str, size: int, position: int, side: int) -> tuple[str, Image.Image]:
    """The file behind an image, and the whole picture in it with sides of `side` pixels at most.

    DataError where it is gone, or no longer what was prepared.
    """
    file, data = datasets.original(name, split, position, size=size)
    try:
        whole = reading.upright(data)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as e:
        raise DataError(f"{file} is no longer the image that was prepared ({e}).") from e
    whole.thumbnail((side, side), Image.Resampling.LANCZOS)
    return file, whole


@st.cache_data(max_entries=32, show_spinner=False)
def originals(name: str, split: str, size: int, recipe: str, positions: tuple[int, ...], columns: int) -> bytes:
    """The same of the files as they are: each whole, on a square of grey; grey all over where the file is gone."""
    side, tiles = size * scale(size), []
    for p in positions:
        tile = Image.new("RGB", (side, side), pictures.GREY)
        with contextlib.suppress(DataError):
            whole = original(name, split, size, p, side)[1]
            tile.paste(whole, ((side - whole.width) // 2, (side - whole.height) // 2))
        tiles.append(np.asarray(tile))
    return pictures.sheet(np.stack(tiles), columns=columns)


@st.cache_data(max_entries=64, show_spinner=False)
def class_density(name: str, split: str, size: int, recipe: str, label: int) -> np.ndarray:
    """(3, 256) share of pixels at each value in the images of one class."""
    own = datasets.load(name, split, size=size)
    return pixels.rgb_density(replace(own, images=own.images[members(name, split, size, label)], labels=None))


def described(c: SampleConfig) -> Arrays:
    """What is in the images that a model has drawn, which are in the cache."""
    return _described(generate.way_key(c), c)


@st.cache_data(max_entries=16, show_spinner=False)
def _described(key: str, c: SampleConfig) -> Arrays:
    images = generate.drawn(c)
    assert images is not None, "asked for only once they are drawn"
    return pixels.described(images)


def first(card: DatasetCard, split: str, n: int, columns: int) -> bytes:
    n = min(n, card.splits.get(split, 0))
    return sheet(card.name, split, card.size, recipe(card), tuple(range(n)), columns)


def scale(size: int) -> int:
    """How many screen pixels show one of the image's: about 96 a side."""
    return min(pictures.LARGEST_SCALE, max(1, 96 // size))


def frame(c: SampleConfig, which: str, index: int, columns: int) -> bytes:
    """One kept step of a recorded way, `which` being x or x0, as PNG."""
    return _frame(generate.way_key(c), c, which, index, columns)


@st.cache_data(max_entries=256, show_spinner=False)
def _frame(key: str, c: SampleConfig, which: str, index: int, columns: int) -> bytes:
    way = generate.recording(c)
    assert way is not None, "asked for only once it is recorded"
    images = np.asarray(way[which][index])
    return pictures.sheet(images, columns=columns, scale=scale(images.shape[1]))


@st.cache_data(max_entries=64, show_spinner=False)
def nearest(key: str, c: SampleConfig, image: int, data: str, recipe: str) -> tuple[int, bool, float]:
    """The training image nearest to a finished one of a way: position, whether mirrored, RMS difference in grey levels."""
    way = generate.recording(c)
    assert way is not None, "asked for only once it is recorded"
    own = np.asarray(way["x"][-1][image])[None]
    train = datasets.load(data, "train", size=own.shape[1]).images
    found = near(small(own), [small(train), small(train[:, :, ::-1])], 2)
    side, place = divmod(int(found.place[0]), len(train))
    return place, bool(side), float(found.distance[0]) / math.sqrt(small(own)[0].size)
