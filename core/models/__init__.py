"""Trained models: a folder each, `cache/models/ID/` with card.json, ema.safetensors and perhaps raw.safetensors.

Published once, never overwritten: a folder appears by a rename, whole or not at all. `noise`, `gaussian-pca@DATASET` and
`copycat@DATASET` need no training and no folder: they are built in, and draw at any size (`noise:64`; 32 without a number).
A few models come with the studio: `core/examples/models/ID/` is read beside the cache and never changed.

cards(), card(id)            what there is; a model is found by the ids that it had before, too
network(card, weights)       the weights, checked
publish(card, folder)        a new model
rename, delete, restore      an id that a model has or had is never given to another
lineage(card)                where it comes from, in words
"""

from core.models.ancestry import lineage
from core.models.card_file import EMA, FORMAT, RAW, training_config
from core.models.keeping import delete, hide_examples, rename, restore
from core.models.publishing import bundle, check_id, publish
from core.models.reading import (
    by_name,
    card,
    cards,
    damaged,
    deleted,
    examples_hidden,
    is_example,
    present_ids,
    weights_file,
    weights_name,
)
from core.models.weights import network
from core.models.yardsticks import BUILTIN, BUILTIN_SIZE, COPYCAT, GAUSSIAN, NOISE, SIZES, builtin

__all__ = [
    "BUILTIN",
    "BUILTIN_SIZE",
    "COPYCAT",
    "EMA",
    "FORMAT",
    "GAUSSIAN",
    "NOISE",
    "RAW",
    "SIZES",
    "builtin",
    "bundle",
    "by_name",
    "card",
    "cards",
    "check_id",
    "damaged",
    "delete",
    "deleted",
    "examples_hidden",
    "hide_examples",
    "is_example",
    "lineage",
    "network",
    "present_ids",
    "publish",
    "rename",
    "restore",
    "training_config",
    "weights_file",
    "weights_name",
]
