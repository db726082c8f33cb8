from itertools import islice

import numpy as np
import pytest
import torch

from core import pixels
from core.types import BLOCK
from tests.trainers import tiny
from trainers.data import Images, TrainingBatches, ValidationBatches, order, signed


def batches(n: int, batch: int, count: int, *, seed: int = 0, flips: bool = False) -> np.ndarray:
    """The first `count` training batches of n random images, one after the other, as uint8 (count * batch, 8, 8, 3)."""
    drawn = islice(TrainingBatches(tiny.images(n).images, batch, seed=seed, flips=flips), count)
    return np.concatenate([pixels.to_uint8(b.permute(0, 2, 3, 1).numpy()) for b in drawn])


def test_a_pass_has_each_image_once_and_its_own_order() -> None:
    passes = [order(50, 7, epoch)[0] for epoch in range(3)]
    assert all(sorted(p) == list(range(50)) for p in passes)
    assert len({tuple(p) for p in passes}) == 3


def test_the_order_is_a_function_of_seed_and_pass() -> None:
    first = order(50, 7, 1)[0]
    order.cache_clear()
    assert (order(50, 7, 1)[0] == first).all()
    assert (order(50, 8, 1)[0] != first).any()


@pytest.mark.parametrize(("n", "batch"), [(12, 4), (10, 4), (3, 8), (1, 2)])
def test_batches_are_the_passes_cut_to_pieces(n: int, batch: int) -> None:
    count = 9
    passes = np.concatenate([order(n, 0, epoch)[0] for epoch in range(count * batch // n + 1)])
    assert (batches(n, batch, count) == tiny.images(n).images[passes[: count * batch]]).all()


def test_a_set_smaller_than_a_batch_fills_it() -> None:
    assert len(batches(3, 8, 1)) == 8


def test_about_half_the_images_are_mirrored_and_not_the_same_ones_each_pass() -> None:
    n, epochs = 40, 30
    seen = np.zeros((epochs, n), bool)
    original = tiny.images(n).images
    stream = batches(n, n, epochs, flips=True).reshape(epochs, n, 8, 8, 3)
    for epoch in range(epochs):
        upright = original[order(n, 0, epoch)[0]]
        mirrored = (stream[epoch] == upright[:, :, ::-1]).all(axis=(1, 2, 3))
        assert (mirrored | (stream[epoch] == upright).all(axis=(1, 2, 3))).all()
        seen[epoch, order(n, 0, epoch)[0]] = mirrored
    assert abs(seen.mean() - 0.5) < 4 * 0.5 / np.sqrt(n * epochs)
    assert (seen.mean(axis=0) > 0).all() and (seen.mean(axis=0) < 1).all()


def test_mirroring_leaves_the_memory_mapped_images_alone() -> None:
    images = tiny.images(6)
    before = images.images.copy()
    images.images.setflags(write=False)
    next(iter(TrainingBatches(images.images, 6, seed=0, flips=True)))
    assert (images.images == before).all()


def test_signed_values_lie_between_the_ends_and_come_back_exactly() -> None:
    greys = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    x = signed(greys)
    assert x.dtype == torch.float32 and x.shape == (1, 3, 16, 16)
    assert x.min() == -1 and x.max() == 1
    assert (pixels.to_uint8(x.permute(0, 2, 3, 1).numpy()) == greys).all()


def test_validation_has_every_image_once_and_in_order() -> None:
    val = tiny.images(BLOCK + 5, "val")
    loader = Images(tiny.images(4), val, 2, seed=0, flips=True).val_dataloader()
    parts = list(loader)
    assert [len(p) for p in parts] == [BLOCK, 5] and len(loader) == 2
    assert (pixels.to_uint8(torch.cat(parts).permute(0, 2, 3, 1).numpy()) == val.images).all()


def test_a_bounded_validation_goes_round_a_small_split_and_cuts_a_large_one() -> None:
    small = torch.cat(list(ValidationBatches(tiny.images(3).images, 8)))
    assert len(small) == 8 and torch.equal(small[:3], small[3:6]) and torch.equal(small[:2], small[6:])
    assert sum(map(len, ValidationBatches(tiny.images(300).images, 260))) == 260
