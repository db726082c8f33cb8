"""FID, KID, IS, precision and recall of one set, first time: 64 generated and 64 real images of 32 pixels through Inception.

Beside it what a person would run: torchmetrics' FID, KID and IS one after the other, then torch-fidelity's precision and recall.
All use one network with the same random weights, opened before the clock starts; each metric of theirs passes its images anew,
ours share one pass of each side. So few images have no FID worth telling (the studio would refuse it); it is worked out all the
same, by the route for thousands of images.
"""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from core import features
from core.features import Extractor
from core.metrics import METRICS, Reference, frechet
from core.types import ImageSet
from tests.benchmarks.timing import Row, in_turns, relative
from tests.core import tiny_inception

LAYER = "2048"
KID = {"estimator": "subsets", "subsets": 100, "seed": 0, "degree": 3, "offset": 1.0, "scale": "1/D"}


def measure(quick: bool) -> list[Row]:
    n, repeats = (8, 1) if quick else (64, 5)
    sides = [np.random.default_rng(seed).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8) for seed in (1, 2)]
    with tempfile.TemporaryDirectory() as folder:
        file, sha256 = tiny_inception.weights_file(Path(folder))
        extractor = features.resolve("inception-torchmetrics", file=str(file), trust_sha256=sha256)
        both = (studio(sides, extractor), others(sides, file))
        (ours, theirs), gave = in_turns(both, repeats)
    (fid, _, score, *_), (fid_beside, _, score_beside, *_) = gave  # type: ignore[misc]
    assert relative(fid, fid_beside) < 0.01 and relative(score, score_beside) < 0.01, gave
    work = f"first FID + KID + IS + precision + recall, {n} images a side"
    return [Row(work, "torchmetrics, then torch-fidelity", ours, theirs, ">= 2.5x (one pass, not four)", least=2.5)]


def studio(sides: list[np.ndarray], extractor: Extractor) -> Callable[[], list[float]]:
    def run() -> list[float]:
        with tempfile.TemporaryDirectory() as cache, mock.patch.dict("os.environ", {"STUDIO_CACHE": cache}):
            sets = [ImageSet("benchmark", "train", x) for x in sides]
            fake, real = (features.extract(s, extractor, LAYER) for s in sets)
            ref = Reference(real)
            kid = {**KID, "subset_size": len(fake) // 2}
            rules: dict[str, dict[str, Any]] = {"kid": kid, "is": {"splits": 1}, "precision": {"k": 3}, "recall": {"k": 3}}
            values = [METRICS[name].compute(fake, ref, params).value for name, params in rules.items()]
            return [frechet.distance(fake.values, frechet.gaussian(real.values)), *values]

    return run


def others(sides: list[np.ndarray], file: Path) -> Callable[[], list[float]]:
    import torch
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    from torch_fidelity.metric_prc import calculate_precision_recall_full
    from torchmetrics.image.fid import FrechetInceptionDistance, NoTrainInceptionV3
    from torchmetrics.image.inception import InceptionScore
    from torchmetrics.image.kid import KernelInceptionDistance

    fake, real = (torch.from_numpy(x).permute(0, 3, 1, 2).contiguous().split(32) for x in sides)
    networks = [NoTrainInceptionV3("inception-v3-compat", [layer], str(file)) for layer in (LAYER, LAYER, "logits_unbiased")]
    networks[0].num_features = 2048
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* will save all extracted features")
        fid = FrechetInceptionDistance(feature=networks[0])
        kid = KernelInceptionDistance(feature=networks[1], subset_size=len(sides[0]) // 2)
        inception_score = InceptionScore(feature=networks[2], splits=1)
    network = FeatureExtractorInceptionV3("inception-v3-compat", [LAYER], str(file))

    def run() -> list[float]:
        for metric in (fid, kid):
            metric.reset()
            for batches, is_real in ((real, True), (fake, False)):
                for batch in batches:
                    metric.update(batch, real=is_real)
        inception_score.reset()
        for batch in fake:
            inception_score.update(batch)
        with warnings.catch_warnings():
            # The deviation of one split.
            warnings.filterwarnings("ignore", message=".*degrees of freedom")
            values = [float(fid.compute()), float(kid.compute()[0]), float(inception_score.compute()[0])]
        seen = [torch.cat([network(batch)[0] for batch in batches]) for batches in (fake, real)]
        return [*values, *calculate_precision_recall_full(*seen, neighborhood=3)]

    return run
