"""Images as batches for a training: one gather a batch from memory-mapped uint8, no workers, no work per image."""

import itertools
from collections.abc import Iterator
from functools import lru_cache

import lightning as L
import numpy as np
import torch

from core import pixels
from core.types import BLOCK, ImageSet


@lru_cache(maxsize=2)
def order(n: int, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """The order of n images in one pass, and which places are mirrored: (n,) int64 and (n,) bool, from (seed, epoch)."""
    random = np.random.default_rng((seed, epoch))
    return random.permutation(n), random.random(n) < 0.5


def signed(images: np.ndarray) -> torch.Tensor:
    """(B, H, W, 3) uint8 -> (B, 3, H, W) float32 in [-1, 1]; `pixels.to_uint8` is the exact inverse."""
    return torch.from_numpy(pixels.to_signed(images)).permute(0, 3, 1, 2)


class TrainingBatches:
    """Pass after pass over the images, without an end: batch i is a function of (seed, i).

    Every image comes once a pass. A batch that reaches past the end of a pass is filled up from the next one: all batches
    have `batch` images, none is dropped, and a set smaller than a batch works too.

    first: number of the batch to begin with.  share: (rank, world), of whose `world` processes each takes every world-th image
    of a batch: together they take what one process alone would.
    """

    def __init__(
        self, images: np.ndarray, batch: int, *, seed: int, flips: bool, first: int = 0, share: tuple[int, int] = (0, 1)
    ) -> None:
        self.images, self.batch, self.seed, self.flips = images, batch, seed, flips
        self.first, self.share = first, share

    def __iter__(self) -> Iterator[torch.Tensor]:
        rank, world = self.share
        for number in itertools.count(self.first):
            index, mirrored = (part[rank::world] for part in self.chosen(number))
            images = self.images[index]
            if self.flips:
                images[mirrored] = images[mirrored, :, ::-1]
            yield signed(images)

    def chosen(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Which images batch `number` holds and which of them are mirrored: (batch,) int64 and (batch,) bool."""
        n = len(self.images)
        epoch, start = divmod(number * self.batch, n)
        parts: list[tuple[np.ndarray, np.ndarray]] = []
        missing = self.batch
        while missing:
            index, mirrored = order(n, self.seed, epoch)
            parts.append((index[start : start + missing], mirrored[start : start + missing]))
            missing -= len(parts[-1][0])
            epoch, start = epoch + 1, 0
        return np.concatenate([i for i, _ in parts]), np.concatenate([m for _, m in parts])


class ValidationBatches:
    """The first `total` images in their order, BLOCK at a time; beyond the last image it goes on with the first."""

    def __init__(self, images: np.ndarray, total: int) -> None:
        self.images, self.total = images, total

    def __len__(self) -> int:
        return -(-self.total // BLOCK)

    def __iter__(self) -> Iterator[torch.Tensor]:
        for start in range(0, self.total, BLOCK):
            yield signed(self.images[np.arange(start, min(start + BLOCK, self.total)) % len(self.images)])


class Images(L.LightningDataModule):
    """Both splits of a data set. `checked`: how many images a validation looks at; 0 is every one, once."""

    def __init__(self, train: ImageSet, val: ImageSet, batch: int, *, seed: int, flips: bool, checked: int = 0) -> None:
        super().__init__()
        self.train, self.val = np.asarray(train.images), np.asarray(val.images)
        self.batch, self.seed, self.flips, self.checked = batch, seed, flips, checked

    def train_dataloader(self) -> TrainingBatches:
        assert self.trainer is not None
        # A resumed training has its counts by now.
        done = self.trainer.fit_loop.epoch_loop.batch_progress.current.completed
        share = (self.trainer.global_rank, self.trainer.world_size)
        return TrainingBatches(self.train, self.batch, seed=self.seed, flips=self.flips, first=done, share=share)

    def val_dataloader(self) -> ValidationBatches:
        return ValidationBatches(self.val, self.checked or len(self.val))
