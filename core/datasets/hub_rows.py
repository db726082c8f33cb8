"""The rows of an image data set on the Hugging Face Hub, streamed by `datasets`: encoded images, labels, persons."""

import itertools
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.datasets.fetching import said
from core.errors import DataError
from core.hub_client import endpoint

PERSONS = ("celeb_id", "identity", "person_id", "person", "subject_id")
"""Columns that say who is on an image."""
_READ_TRIES = 3
_AT_ONCE = 8
# What a row without bytes may name: a file of the Hub, or a member of an archive there; nothing on this machine.
_THERE = re.compile(r"((zip|tar)://((?!::).)*::)?hf://datasets/((?!::).)*")


@dataclass(frozen=True)
class HubSource:
    """n: its first so many images, 0 for all.  image_column, label_column: "" for the first of its kind."""

    repo: str
    config: str = ""
    revision: str = "main"
    n: int = 0
    image_column: str = ""
    label_column: str = ""


@dataclass(frozen=True)
class Columns:
    """Names of columns, "" for none. classes: what the label's numbers mean, or none."""

    image: str
    label: str
    person: str
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """image: encoded, empty where there is none.  label, person: "" where nobody says."""

    image: bytes
    label: str
    person: str


@dataclass(frozen=True, eq=False)
class Opened:
    """splits: streams of undecoded rows by the Hub's names.  total: their rows, 0 where the Hub does not say."""

    splits: Mapping[str, Any]
    columns: Columns
    total: int


def found(s: HubSource) -> tuple[str, str]:
    """The commit that the revision means now, and the licence on the Hub's card. DataError where the Hub does not say."""
    from huggingface_hub import HfApi

    try:
        info = HfApi(endpoint=endpoint()).dataset_info(s.repo, revision=s.revision, timeout=10)
    except _refusals() as e:
        raise _refused(s, e) from e
    card = info.card_data.to_dict() if info.card_data else {}
    licence = card.get("license_name") if card.get("license") == "other" else card.get("license")
    words = ", ".join(map(str, licence)) if isinstance(licence, list) else str(licence or "not stated on the Hub")
    return str(info.sha), words


def opened(s: HubSource, commit: str, scratch: Path) -> Opened:
    """The streams at a commit. DataError where the Hub does not give them or a column is not there."""
    import datasets
    from datasets import config

    # Twenty tries with minutes between them would look like a standstill; a fetching that stops goes on when asked.
    config.STREAMING_READ_MAX_RETRIES = config.STREAMING_OPEN_MAX_RETRIES = _READ_TRIES
    try:
        builder = datasets.load_dataset_builder(s.repo, s.config or None, revision=commit, cache_dir=str(scratch))
        # Else image files of their own are decoded before a stream can be told not to.
        builder.config.decode_num_threads = 0
        splits = builder.as_streaming_dataset()
        first = next(iter(splits.values()))
        columns = _columns(s, first.features or {})
        wanted = list(dict.fromkeys(name for name in (columns.image, columns.label, columns.person) if name))
        kept = {str(name): data.select_columns(wanted).decode(False) for name, data in splits.items()}
    except _refusals() as e:
        raise _refused(s, e) from e
    announced = [(first.info.splits or {}).get(name) for name in kept]
    return Opened(kept, columns, sum(a.num_examples or 0 for a in announced if a) if all(announced) else 0)


def batch(s: HubSource, stream: Iterator[Mapping[str, Any]], columns: Columns, most: int) -> list[Row]:
    """The next rows of a stream, none at its end. DataError where the Hub does not give them."""
    try:
        taken = list(itertools.islice(stream, most))
        images = [row[columns.image] for row in taken]
        if any(image and image["bytes"] is None for image in images):
            # Files of their own: each takes the Hub a while to answer.
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                encoded = list(pool.map(_encoded, images))
        else:
            encoded = [_encoded(image) for image in images]
    except _refusals() as e:
        raise _refused(s, e) from e
    return [
        Row(image, _label(row.get(columns.label), columns.classes), _text(row.get(columns.person)))
        for image, row in zip(encoded, taken, strict=True)
    ]


def _refused(s: HubSource, e: Exception) -> DataError:
    return DataError(
        f"{s.repo} cannot be fetched from the Hub ({said(e)}); check its name, its config and the network, and try again."
    )


def _refusals() -> tuple[type[Exception], ...]:
    """What the Hub's client and `datasets` raise for what lies outside of them."""
    from datasets.exceptions import DatasetsError
    from huggingface_hub import errors

    # RuntimeError: a data set that wants to run code of its own.
    return (OSError, ValueError, RuntimeError, DatasetsError, errors.HTTPError, errors.HfHubHTTPError)


def _columns(s: HubSource, features: Mapping[str, Any]) -> Columns:
    """DataError where a column that was asked for, or one of images, is not there."""
    from datasets import ClassLabel, Image, Value

    def first(kind: type, name: str, kinds: tuple[type, ...]) -> str:
        if name and not isinstance(features.get(name), kinds):
            what = "an image" if kind is Image else "one label"
            raise DataError(f"{s.repo} has no column '{name}' with {what} a row; its columns: {', '.join(features) or 'none'}.")
        return name or next((n for n, f in features.items() if isinstance(f, kind)), "")

    image = first(Image, s.image_column, (Image,))
    if not image:
        raise DataError(f"{s.repo} has no column of images; its columns: {', '.join(features) or 'none'}.")
    label = first(ClassLabel, s.label_column, (ClassLabel, Value))
    person = next((n for n in PERSONS if isinstance(features.get(n), (ClassLabel, Value))), "")
    classes = tuple(features[label].names) if label and isinstance(features[label], ClassLabel) else ()
    return Columns(image, label, person, classes)


def _encoded(image: Mapping[str, Any] | None) -> bytes:
    from datasets.utils.file_utils import xopen

    if image and image["bytes"] is None and image["path"]:
        if not _THERE.fullmatch(image["path"]):
            raise ValueError(f"a row names the file {image['path']!r}, which is not on the Hub")
        with xopen(image["path"], "rb") as f:
            return bytes(f.read())
    return bytes(image["bytes"] or b"") if image else b""


def _label(value: object, classes: tuple[str, ...]) -> str:
    """A class label's number is -1 where it is not told."""
    if classes:
        return classes[value] if isinstance(value, int) and 0 <= value < len(classes) else ""
    return _text(value)


def _text(value: object) -> str:
    return "" if value is None else str(value)
