"""What stands around the metrics: libraries, verdicts, drawn images, the store."""

import importlib.metadata
import os
import warnings

import numpy as np

from core import compare, generate, paths, store
from core.configs import SampleConfig
from core.errors import ScoreError
from core.selftest.toys import PARAMS, Found, draw, measure
from core.types import Evaluation, Score, Terms


def libraries() -> Found:
    from packaging.requirements import Requirement

    wrong = []
    for line in (paths.PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if wanted := line.split("#")[0].strip():
            r = Requirement(wanted)
            try:
                version = importlib.metadata.version(r.name)
            except importlib.metadata.PackageNotFoundError:
                wrong.append(f"{r.name} is missing")
                continue
            if not r.specifier.contains(version, prereleases=True):
                wrong.append(f"{r.name} is {version}, needed {r.specifier}")
    return "all", "; ".join(wrong) or "all", 0


def verdicts() -> Found:
    real, noise = draw(150, 19), draw(120, 20)
    near, far = _evaluation("near", noise * 1.1, real), _evaluation("far", noise * 2, real)
    found = (
        compare.pair(near, far, "kid").verdict,
        compare.pair(far, near, "kid").verdict,
        compare.pair(far, far, "kid").verdict,
    )
    return "a b undecided", " ".join(found), 0


def terms_kept_apart() -> Found:
    a, b = (_evaluation(f"{n} images", draw(n, 21), draw(60, 22)) for n in (40, 50))
    try:
        return "refused", compare.pair(a, b, "kid").verdict, 0
    except ScoreError:
        return "refused", "refused", 0


def prefix_of_samples() -> Found:
    few, many = (generate.images(SampleConfig("noise", n=n, seed=3)).images for n in (5, 300))
    return "the same", "the same" if np.array_equal(few, many[:5]) else "others", 0


def flipped_bit() -> Found:
    recipe, values = {"check": "flipped bit"}, draw(9, 23)
    made: list[str] = []

    def compute() -> dict[str, np.ndarray]:
        made.append("again" if made else "first")
        return {"x": values}

    store.get_or_compute("selftest", recipe, compute)
    file = paths.store("selftest") / store.key("selftest", recipe) / "x.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    # As another process would find it: this one has checked the file as it was.
    os.utime(file, ns=(0, 0))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = store.get_or_compute("selftest", recipe, compute)["x"]
    right = "right" if np.array_equal(found, values) else "wrong"
    return "told, first again, right", f"{'told' if told else 'silent'}, {' '.join(made)}, {right}", 0


def _evaluation(subject: str, fake: np.ndarray, real: np.ndarray) -> Evaluation:
    m = measure("kid", fake, real)
    unnamed = dict.fromkeys(("weights_sha256", "layer", "dtype", "resize", "values", "reference_split", "reference_recipe"), "")
    terms = Terms(
        metric="kid",
        params=PARAMS["kid"],
        extractor="selftest",
        input_size=0,
        reference="toys",
        reference_fingerprint="",
        n_real=len(real),
        n_fake=len(fake),
        generator_seeds=1,
        **unnamed,
    )
    score = Score("kid", m.value, m.error, terms, m.band, m.influence_fake, m.influence_real)
    sample = SampleConfig(subject, n=len(fake))
    return Evaluation(subject, "model", "toys", "selftest", sample, {"kid": score}, "", 0.0, None, None, {}, "")
