"""RGB densities of each split of 8,000 prepared images of 32 pixels (6,400, 800 and 800), beside the way of a notebook.

The notebook decodes every JPEG of 128 pixels with Pillow, crops, resizes and normalises it with torchvision's transforms, once
to build its data set and once more for the plot, and histograms a channel's values in 256 bins on [-1, 1]. matplotlib is not
needed here: its `hist` calls `np.histogram`, as this does, and what it takes to draw the bars is not counted. The studio reads
the arrays that it prepared once. The densities are equal.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from PIL import Image
from torchvision import transforms

from core import datasets
from core.configs import AddConfig, PrepareConfig
from core.datasets.split import SPLITS
from core.pixels import rgb_density
from tests.benchmarks import photos
from tests.benchmarks.timing import Row, in_turns

NAME, SIZE = "benchmark", 32


def measure(quick: bool) -> list[Row]:
    n, repeats = (40, 1) if quick else (8000, 5)
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict("os.environ", {"STUDIO_CACHE": f"{folder}/cache"}):
        source = Path(folder) / "photos"
        photos.write(source, n)
        datasets.add(AddConfig(str(source), NAME))
        datasets.prepare(PrepareConfig(NAME, size=SIZE))
        sides: tuple[Callable[[], np.ndarray], ...] = (studio, notebook(files_of(source)))
        (ours, theirs), gave = in_turns(sides, repeats)
    apart = float(np.abs(np.subtract(*gave)).max())  # type: ignore[call-overload]
    assert apart < 1e-12, apart
    work = f"RGB densities per split, {n:,} images of {SIZE} px"
    note = "The arrays lie open; opening them for the first time also checks their sha256, which is not counted."
    return [
        Row(work, "a notebook: decode all twice, np.histogram", ours, theirs, ">= 50x", least=50, note=note),
        Row(work, "-", ours, None, "< 0.2 s", most=0.2),
    ]


def studio() -> np.ndarray:
    """(3 splits, 3 channels, 256)."""
    return np.stack([rgb_density(datasets.load(NAME, split, size=SIZE)) for split in SPLITS])


def files_of(source: Path) -> dict[str, list[Path]]:
    """The files of each split, as the studio drew them."""
    known = {split: datasets.of_files(NAME, split, size=SIZE) for split in SPLITS}
    return {split: [source / name.decode() for name in f.names] for split, f in known.items() if f}


def notebook(files: Mapping[str, Sequence[Path]]) -> Callable[[], np.ndarray]:
    look = transforms.Compose(
        [
            transforms.CenterCrop(photos.SIDE),
            # The studio's filter, so that the values can be compared; the usual bilinear one takes longer.
            transforms.Resize(SIZE, interpolation=transforms.InterpolationMode.BOX),
            transforms.ToTensor(),
            transforms.Normalize([0.5] * 3, [0.5] * 3),
        ]
    )

    def opened(file: Path) -> torch.Tensor:
        with Image.open(file) as image:
            tensor: torch.Tensor = look(image.convert("RGB"))
            return tensor

    def run() -> np.ndarray:
        built = {split: torch.stack([opened(f) for f in own]) for split, own in files.items()}
        found = []
        for split, own in files.items():
            values = torch.stack([opened(f) for f in own]).numpy()
            assert values.shape == built[split].shape
            # Its lines: plt.hist(values[:, c].ravel(), bins=256, range=(-1, 1), density=True).
            lines = [np.histogram(values[:, c].ravel(), 256, weights=None, range=(-1, 1), density=True)[0] for c in range(3)]
            found.append(lines)
        # A density over [-1, 1] as the shares of its bins.
        return np.array(found) * 2 / 256

    return run
