"""Models that need no training and no folder: NAME[@DATASET][:SIDE]."""

import re
from collections.abc import Mapping

from core import datasets
from core.errors import ModelError
from core.types import ModelCard

NOISE = "noise"
GAUSSIAN = "gaussian-pca"
COPYCAT = "copycat"
BUILTIN: Mapping[str, str] = {NOISE: "noise", GAUSSIAN: "gaussian_pca", COPYCAT: "copycat"}
"""The family of each built-in model. All but noise are fitted to a data set, which their id names."""
BUILTIN_SIZE = 32
SIZES = (8, 256)
"""Smallest and largest side of an image, as for data sets."""
FORMS = f"{NOISE}, {GAUSSIAN}@DATASET, {COPYCAT}@DATASET"
_ID = re.compile(rf"({'|'.join(BUILTIN)})(?:@([^:]*))?(?::(.*))?", re.DOTALL)


def builtin(name: str, dataset: str, size: int = BUILTIN_SIZE) -> str:
    """The id of a built-in model at this size: "noise", "gaussian-pca@petals", "copycat@petals:64". Noise needs no data set."""
    assert name in BUILTIN, name
    return (name if name == NOISE else f"{name}@{dataset}") + ("" if size == BUILTIN_SIZE else f":{size}")


def yardstick(model_id: str) -> ModelCard | None:
    """The card of a built-in model under its shortest id; None for an id of another kind. ModelError for one written wrongly."""
    words = _ID.fullmatch(model_id)
    if words is None:
        return None
    name, dataset, side = words.groups()
    if name != NOISE and not dataset:
        raise ModelError(f"'{model_id}' needs a data set to draw from: write {name}@NAME, such as {name}@petals.")
    if name == NOISE and dataset is not None:
        raise ModelError(f"'{model_id}' names a data set, and noise is drawn from none: write noise, or noise:64 for 64 pixels.")
    # No other spelling of a number: what is one model has one id.
    size = BUILTIN_SIZE if side is None else int(side) if re.fullmatch("[1-9][0-9]{0,3}", side) else 0
    if not SIZES[0] <= size <= SIZES[1]:
        raise ModelError(f"The size of '{model_id}' is '{side}'; needed: {SIZES[0]} to {SIZES[1]} pixels, such as {name}:64.")
    return ModelCard(
        id=builtin(name, dataset or "", size),
        family=BUILTIN[name],
        dataset=datasets.card(dataset, size).name if dataset else "",
        size=size,
        config={},
        seed=0,
        experiment="",
        origin="builtin:",
        base="",
        sha256={},
        created_at="",
    )
