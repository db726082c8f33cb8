"""The same images and weights give the numbers that torch-fidelity and torchmetrics give: network, resize and arithmetic.

The weights are drawn from a seed (nobody need download any), the images are PNG files as they come. A dozen images for every
day; the 64 a side that are promised, and the study's 72, take minutes.
"""

import functools
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core import features
from core.metrics import METRICS, Reference, frechet
from core.protocols import KID, PROTOCOLS
from core.types import Features, ImageSet
from tests.core import tiny_inception

FEW, PROMISED = 12, pytest.param(64, marks=pytest.mark.slow)
Weights = tuple[Path, str]


@functools.cache
def ours(name: str, layer: str, n: int, weights: Weights) -> tuple[Features, Features]:
    """What the extractor sees in n dim photos (fake) and n photos (real)."""
    e = tiny_inception.row(name, *weights)
    sides = ImageSet("dim", "all", tiny_inception.dim(n), origin="folder"), ImageSet("photos", "all", tiny_inception.photos(n))
    fake, real = (replace(f, values=np.array(f.values)) for f in (features.extract(s, e, layer) for s in sides))
    return fake, real


@functools.cache
def theirs(n: int, weights: Weights) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """What torchmetrics' own network gives for the same, in batches of another size: layer -> fake, real."""
    from torchmetrics.image.fid import NoTrainInceptionV3

    outputs = ["64", "2048", "logits_unbiased"]
    network = NoTrainInceptionV3("theirs", outputs, feature_extractor_weights_path=str(weights[0]))
    sides = []
    for images in (tiny_inception.dim(n), tiny_inception.photos(n)):
        batches = torch.from_numpy(images).permute(0, 3, 1, 2).split(16)
        with torch.inference_mode():
            found = zip(*(network._torch_fidelity_forward(x) for x in batches), strict=True)
        sides.append([torch.cat(parts) for parts in found])
    return {layer: (sides[0][i], sides[1][i]) for i, layer in enumerate(outputs)}


class Given(torch.nn.Module):
    """A network for torchmetrics' classes that was asked already: it takes features and gives them."""

    def __init__(self, numbers: int = 2048, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.num_features, self.dtype = numbers, dtype

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.to(self.dtype)


def computed(metric: Any, fake: torch.Tensor, real: torch.Tensor | None = None) -> float:
    """The value of one of torchmetrics' classes."""
    if real is None:
        metric.update(fake)
    else:
        metric.update(real, real=True)
        metric.update(fake, real=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that one split has no deviation
        value = metric.compute()
    return float(value[0] if isinstance(value, tuple) else value)


def traces(fake: Features, real: Features) -> float:
    return float(sum(f.values.astype(np.float64).var(0, ddof=1).sum() for f in (fake, real)))


def score(metric: str, fake: Features, real: Features, params: dict[str, Any]) -> float:
    return METRICS[metric].compute(fake, Reference(real), params).value


def distance(fake: Features, real: Features) -> float:
    """FD of fewer images than features. Our protocols refuse such a reference; the number itself is the same arithmetic."""
    return frechet.of_few(fake.values, real.values)


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("n", [FEW, PROMISED])
def test_torch_fidelity_gives_the_same_fid_kid_and_is_for_two_folders(n: int, inception_weights: Weights, tmp_path: Path) -> None:
    import torch_fidelity

    folders = [
        tiny_inception.write(tmp_path / name, images)
        for name, images in (("dim", tiny_inception.dim(n)), ("photos", tiny_inception.photos(n)))
    ]
    found = torch_fidelity.calculate_metrics(
        input1=str(folders[0]),
        input2=str(folders[1]),
        isc=True,
        fid=True,
        kid=True,
        isc_splits=1,
        kid_subsets=1,
        kid_subset_size=n,
        feature_extractor_weights_path=str(inception_weights[0]),
        cuda=False,
        verbose=False,
        cache=False,
    )
    fake, real = ours("inception", "2048", n, inception_weights)
    assert found["inception_score_mean"] > 2 and found["kernel_inception_distance_mean"] > 0.1, "nothing to compare"
    assert distance(fake, real) == pytest.approx(found["frechet_inception_distance"], abs=2e-6 * traces(fake, real))
    assert score("kid", fake, real, dict(KID.params)) == pytest.approx(found["kernel_inception_distance_mean"], rel=1e-6)
    assert score("is", fake, real, {"splits": 1}) == pytest.approx(found["inception_score_mean"], rel=1e-6)


@pytest.mark.parametrize("n", [FEW, PROMISED])
def test_torchmetrics_network_gives_the_same_features_in_other_batches(n: int, inception_weights: Weights) -> None:
    for layer in ("64", "2048"):
        sides = ours("inception-torchmetrics", layer, n, inception_weights)
        for mine, other in zip(sides, theirs(n, inception_weights)[layer], strict=True):
            assert np.abs(mine.values - other.numpy()).max() < 1e-5 * mine.values.std()


@pytest.mark.filterwarnings("ignore:Metric `(Kernel|Inception)")
@pytest.mark.parametrize("n", [FEW, PROMISED])
def test_torchmetrics_gives_the_same_kid_and_is(n: int, inception_weights: Weights) -> None:
    from torchmetrics.image.inception import InceptionScore
    from torchmetrics.image.kid import KernelInceptionDistance

    fake, real = ours("inception-torchmetrics", "2048", n, inception_weights)
    seen = theirs(n, inception_weights)
    # Its classes compute in the features' precision, float32: the kernel's sums keep six digits.
    for dtype, exact in ((torch.float32, 5e-6), (torch.float64, 1e-6)):
        kid = computed(KernelInceptionDistance(Given(dtype=dtype), subsets=1, subset_size=n), *seen["2048"])
        assert score("kid", fake, real, dict(KID.params)) == pytest.approx(kid, rel=exact)
        one_subset = {**KID.params, "estimator": "subsets", "subsets": 1, "subset_size": n, "seed": 0}
        assert score("kid", fake, real, one_subset) == pytest.approx(kid, rel=exact)
        inception_score = computed(InceptionScore(Given(dtype=dtype), splits=1), seen["logits_unbiased"][0])
        assert inception_score > 2 and score("is", fake, real, {"splits": 1}) == pytest.approx(inception_score, rel=1e-6)


@pytest.mark.slow
def test_torchmetrics_gives_the_same_fid_of_few_images(inception_weights: Weights) -> None:
    """To 5e-6 of the traces and not 2e-6: it takes the square roots of 2,048 eigenvalues, 1,985 of them rounding around 0."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    fake, real = ours("inception-torchmetrics", "2048", 64, inception_weights)
    fid = computed(FrechetInceptionDistance(Given()), *theirs(64, inception_weights)["2048"])
    assert distance(fake, real) == pytest.approx(fid, abs=5e-6 * traces(fake, real))


@pytest.mark.slow
def test_torchmetrics_gives_the_same_fid_of_more_images_than_features(inception_weights: Weights) -> None:
    """The metric as the protocols use it, on the 64 features of the first layers."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    fake, real = ours("inception-torchmetrics", "64", 72, inception_weights)
    fid = computed(FrechetInceptionDistance(Given(64, torch.float64)), *theirs(72, inception_weights)["64"])
    params = {"estimator": "Gaussian moments", "covariance": "unbiased"}
    assert score("fd", fake, real, params) == pytest.approx(fid, abs=2e-6 * traces(fake, real))


@pytest.mark.parametrize("groups", [1, pytest.param(6, marks=pytest.mark.slow)])
def test_one_pass_gives_the_study_s_figures_as_torchmetrics_own_classes_do(
    groups: int, inception_weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mean over groups of 12 of FID with 64 features and of the inception score in 10 splits, which are 6 pairs."""
    from torchmetrics.image.fid import FrechetInceptionDistance, NoTrainInceptionV3
    from torchmetrics.image.inception import InceptionScore

    n, file = groups * FEW, str(inception_weights[0])
    fake, real = ours("inception-torchmetrics", "64", n, inception_weights)
    fid, inception_score = (dict(r.params) | {"groups": groups} for r in PROTOCOLS["study-2024"].metrics)
    images, photos = (torch.from_numpy(x).permute(0, 3, 1, 2) for x in (tiny_inception.dim(n), tiny_inception.photos(n)))
    logits = NoTrainInceptionV3("theirs", ["logits_unbiased"], feature_extractor_weights_path=file)
    monkeypatch.setattr(torch, "randperm", torch.arange)
    found = []
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it keeps features
        for part in (slice(i, i + FEW) for i in range(0, n, FEW)):
            distance_64 = FrechetInceptionDistance(feature=64, feature_extractor_weights_path=file)
            found.append((computed(distance_64, images[part], photos[part]), computed(InceptionScore(logits), images[part])))
        # The metrics refuse to name an error for one group.
        warnings.simplefilter("ignore", RuntimeWarning)
        mine = score("fd", fake, real, fid), score("is", fake, real, inception_score)
    means = np.mean(found, 0)
    assert mine[0] == pytest.approx(means[0], abs=2e-6 * traces(fake, real))
    assert 1.2 < mine[1] <= 2 and mine[1] == pytest.approx(means[1], rel=1e-6)
