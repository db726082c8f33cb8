"""The pictures behind a score: samples, the images that hurt most, the nearest training images. Kept in the store."""

from collections.abc import Mapping

import numpy as np

from core import store
from core.metrics import Measure
from core.types import Arrays, Evaluation, ImageSet

SAMPLES, CHOSEN = 64, 24


def gallery(e: Evaluation) -> Arrays | None:
    """What `keep` kept of this evaluation, or None where the store was cleared or the evaluation came from another machine.

    samples (up to 64, H, W, 3) uint8, the first images.  worst (up to 24, H, W, 3), worst_index (24,), worst_effect (24,): the
    images that raise the leading distance most, and by how much.  nearest_fake, nearest_real (up to 24, H, W, 3) with
    nearest_index, nearest_mirrored, nearest_ratio and nearest_p: the generated images nearest to a training image, smallest
    ratio first. What a protocol does not find out is absent.
    """
    return store.get("gallery", _recipe(e))


def keep(e: Evaluation, fake: ImageSet, real: ImageSet, measures: Mapping[str, Measure]) -> None:
    """measures: by metric, as they came from its function."""
    store.get_or_compute("gallery", _recipe(e), lambda: _chosen(fake, real, measures))


def _recipe(e: Evaluation) -> dict[str, object]:
    return {"images": e.fingerprint, "protocol": e.protocol, "terms": {role: s.terms.hash for role, s in e.scores.items()}}


def _chosen(fake: ImageSet, real: ImageSet, measures: Mapping[str, Measure]) -> Arrays:
    found: Arrays = {"samples": np.asarray(fake.images[:SAMPLES])}
    effects = next((m.influence_fake for m in measures.values() if m.influence_fake is not None), None)
    if effects is not None:
        order = np.argsort(-effects, kind="stable")[:CHOSEN]
        # An influence is the effect of an image times n: the value is the mean of them plus a constant.
        found |= {"worst": fake.images[order], "worst_index": order, "worst_effect": effects[order] / len(effects)}
    if "copies" in measures:
        near = measures["copies"].extras
        order = np.argsort(near["ratio"], kind="stable")[:CHOSEN]
        places, flipped = near["nearest"][order], near["mirrored"][order]
        twins = np.asarray(real.images[places])
        twins[flipped] = twins[flipped][:, :, ::-1]
        found |= {"nearest_fake": fake.images[order], "nearest_real": twins, "nearest_index": places}
        found |= {"nearest_mirrored": flipped, "nearest_ratio": near["ratio"][order], "nearest_p": near["p"][order]}
    return found
