"""The search for copies, on `petals` with a fixed random convolution in place of a network for speed, once with the network."""

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core import features as extractors
from core.datasets import petals
from core.errors import Refused
from core.metrics import memorisation
from core.metrics.memorisation import discoveries, excess, findable, p_values
from core.metrics.reference import Measure, Reference
from core.types import Features, ImageSet

COPIES = {"neighbours": 50, "mirrored": True, "fdr": 0.05}
N, HELD_OUT, FAKES = 600, 200, 200


def draw(first: int, n: int, seed: int = 0) -> np.ndarray:
    return petals.draw(seed, np.arange(first, first + n), 32)[0]


def look(images: np.ndarray) -> Features:
    """16 random 5x5 filters of each colour, rectified, averaged over 4x4 fields: (n, 256) float32."""
    filters = np.random.default_rng(7).normal(size=(5 * 5 * 3, 16)).astype(np.float32)
    filters -= filters.mean(0)
    windows = np.lib.stride_tricks.sliding_window_view(images, (5, 5), axis=(1, 2))[:, ::2, ::2]
    n, h, w = windows.shape[:3]
    rectified = np.maximum(windows.reshape(n, h, w, -1).astype(np.float32) @ filters, 0)[:, :12, :12]
    values = rectified.reshape(n, 4, 3, 4, 3, 16).mean((2, 4)).reshape(n, -1)
    return seen(values, images)


def seen(values: np.ndarray, images: np.ndarray) -> Features:
    return Features(values, None, "toy", "0" * 64, hashlib.sha256(np.ascontiguousarray(images).data).hexdigest(), images)


def score(images: np.ndarray, ref: Reference, **params: Any) -> Measure:
    return memorisation.score(look(images), ref, {**COPIES, **params})


def reference(train: np.ndarray, heldout: np.ndarray) -> Reference:
    return Reference(look(train), look(heldout), look(np.ascontiguousarray(train[:, :, ::-1])))


def blurred(images: np.ndarray, sigma: float) -> np.ndarray:
    """Each colour convolved with a Gaussian, edges repeated."""
    reach = int(4 * sigma + 1)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    out = images.astype(np.float64)
    for axis in (1, 2):
        edges = [(reach, reach) if a == axis else (0, 0) for a in range(4)]
        padded = np.lib.stride_tricks.sliding_window_view(np.pad(out, edges, mode="edge"), 2 * reach + 1, axis)
        out = padded @ (weights / weights.sum())
    return np.rint(out).astype(np.uint8)


def noisy(images: np.ndarray, sigma: float) -> np.ndarray:
    x = images + np.random.default_rng(1).normal(0, sigma, images.shape)
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


def gaussian(train: np.ndarray, n: int, components: int) -> np.ndarray:
    """Mean and covariance of the training images along their first principal components, nothing else."""
    flat = train.reshape(len(train), -1).astype(np.float64)
    _, deviations, directions = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    codes = np.random.default_rng(2).normal(size=(n, components)) * deviations[:components] / np.sqrt(len(flat) - 1)
    x = flat.mean(0) + codes @ directions[:components]
    return np.clip(np.rint(x), 0, 255).astype(np.uint8).reshape(n, *train.shape[1:])


@pytest.fixture(scope="module")
def train() -> np.ndarray:
    return draw(0, N)


@pytest.fixture(scope="module")
def heldout() -> np.ndarray:
    return draw(N, HELD_OUT)


@pytest.fixture(scope="module")
def fresh() -> np.ndarray:
    return draw(N + HELD_OUT, FAKES)


@pytest.fixture(scope="module")
def ref(train: np.ndarray, heldout: np.ndarray) -> Reference:
    return reference(train, heldout)


# ------------------------------------------------------------------------------------------------- what must hold


def test_ten_per_cent_verbatim_copies_are_found(ref: Reference, train: np.ndarray, fresh: np.ndarray) -> None:
    some = fresh.copy()
    some[:20] = train[100:120]
    found = score(some, ref)
    assert found.extras["flagged"][:20].all() and found.extras["flagged"][20:].sum() <= 2
    assert found.extras["nearest"][:20].tolist() == list(range(100, 120))
    assert not found.extras["mirrored"][:20].any() and (found.extras["ratio"][:20] == 0).all()
    assert found.interval is not None and 0 < found.interval[0] < 0.1 < found.interval[1]
    assert found.value == pytest.approx(0.1, abs=0.02)


def test_mirrored_training_images_are_all_found(ref: Reference, train: np.ndarray) -> None:
    found = score(np.ascontiguousarray(train[:FAKES, :, ::-1]), ref)
    assert found.extras["flagged"].all() and found.extras["mirrored"].all() and found.value == 1
    assert found.extras["nearest"].tolist() == list(range(FAKES))


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0, 4.0])
def test_blurred_held_out_images_are_no_copies(ref: Reference, heldout: np.ndarray, sigma: float) -> None:
    found = score(blurred(heldout, sigma), ref)
    assert not found.extras["flagged"].any()
    assert found.interval is not None and found.interval[0] == 0


@pytest.mark.parametrize("latent", [0, 2, 8, 32, 500])
def test_neither_a_vaes_blur_nor_a_gaussian_is_a_copy(ref: Reference, train: np.ndarray, latent: int) -> None:
    """Few principal components: the blur of a VAE with so small a code. None: one that has collapsed. 500: gaussian-pca."""
    found = score(noisy(gaussian(train, FAKES, latent), 1), ref)
    assert found.value < 0.02 and not found.extras["flagged"].any()
    assert found.interval is not None and found.interval[0] == 0


def test_noise_is_no_copy(ref: Reference) -> None:
    found = score(np.random.default_rng(0).integers(0, 256, (FAKES, 32, 32, 3), dtype=np.uint8), ref)
    assert found.value == 0 and not found.extras["flagged"].any()


def test_held_out_images_against_themselves_and_fresh_ones_have_no_excess(
    ref: Reference, heldout: np.ndarray, fresh: np.ndarray
) -> None:
    for images in (heldout, fresh):
        found = score(images, ref)
        assert found.value < 0.03 and not found.extras["flagged"].any()
        assert found.interval is not None and found.interval[0] == 0 < found.interval[1]


def test_a_copycat_is_all_copies(ref: Reference, train: np.ndarray) -> None:
    chosen = np.random.default_rng(3).integers(0, N, FAKES)
    found = score(train[chosen], ref)
    assert found.value == 1 and found.extras["flagged"].all() and found.interval == (pytest.approx(0.98, abs=0.01), 1)


@pytest.mark.parametrize("how", ["noise", "blur", "mirrored and noise"])
def test_near_copies_are_found_by_their_p_values(ref: Reference, train: np.ndarray, fresh: np.ndarray, how: str) -> None:
    """Images that differ from training images by more than saving them again does."""
    copies = blurred(train[:60], 1.0) if how == "blur" else noisy(train[:60], 6)
    some = fresh.copy()
    some[:60] = copies[:, :, ::-1] if how == "mirrored and noise" else copies
    found = score(some, ref)
    assert (found.extras["p"][:60] < 0.02).mean() > 0.9
    assert found.extras["flagged"][:60].mean() > 0.9 and found.extras["flagged"][60:].sum() <= 6
    assert found.value == pytest.approx(0.3, abs=0.04)
    assert found.extras["mirrored"][:60].mean() == pytest.approx(float(how.startswith("mirrored")), abs=0.1)


def test_ten_verbatim_copies_are_flagged_however_many_images_there_are(ref: Reference, train: np.ndarray) -> None:
    """No p-value is below 1 / 201, so that Benjamini and Hochberg alone would need 120 of 1,200."""
    noise = np.random.default_rng(4).integers(0, 256, (1190, 32, 32, 3), dtype=np.uint8)
    found = score(np.concatenate([noise, train[:10]]), ref)
    assert np.flatnonzero(found.extras["flagged"]).tolist() == list(range(1190, 1200))
    assert found.value == pytest.approx(10 / 1200)


# ------------------------------------------------------------------------------------------------------- details


def test_copies_of_images_that_the_training_set_holds_twice_are_found(train: np.ndarray, heldout: np.ndarray) -> None:
    doubled = train.copy()
    doubled[300:310] = doubled[:10]
    found = score(doubled[300:310], reference(doubled, heldout))
    assert found.extras["flagged"].all() and found.extras["nearest"].tolist() == list(range(10))


def test_images_that_are_all_alike_are_copies_only_where_they_are_the_same(train: np.ndarray, heldout: np.ndarray) -> None:
    """All distances to the next neighbours are 0."""
    alike = train[:1].repeat(100, 0)
    found = score(np.concatenate([train[:1], heldout[:9]]), reference(alike, heldout))
    assert found.extras["flagged"].tolist() == [True] + [False] * 9
    assert found.extras["ratio"][0] == 0 and (found.extras["ratio"][1:] > 0.999).all()


def test_the_ratio_is_that_of_one_training_image_in_features_and_pixels(
    ref: Reference, train: np.ndarray, fresh: np.ndarray
) -> None:
    """Against the definition, for images with the features of one picture and the pixels of another."""
    crossed = replace(look(fresh[:40]), values=look(noisy(train[:40], 20)).values, source="crossed")
    found = memorisation.twins(crossed, ref, {**COPIES, "mirrored": False})
    for i in range(40):
        away = [np.sqrt(((a - one) ** 2).reshape(N, -1).sum(1)) for a, one in spaces(ref, crossed, i)]
        ratios = np.sqrt(np.prod([d / np.sort(d)[1:50].mean() for d in away], axis=0))
        nearest = [int(d.argmin()) for d in away]
        assert found.ratio[i] == pytest.approx(ratios[nearest].min(), abs=1e-9)
        assert ratios[found.place[i]] == pytest.approx(found.ratio[i], abs=1e-9)


def spaces(ref: Reference, some: Features, i: int) -> list[tuple[np.ndarray, np.ndarray]]:
    assert ref.real.images is not None and some.images is not None
    pairs = (ref.real.values, some.values[i]), (ref.real.images, some.images[i])
    return [(a.astype(np.float64), b.astype(np.float64)) for a, b in pairs]


def test_a_symmetric_image_is_a_copy_of_itself_not_of_its_mirror_image(train: np.ndarray, heldout: np.ndarray) -> None:
    changed = train.copy()
    changed[7] = changed[7] // 2 + changed[7][:, ::-1] // 2
    found = score(changed[[7]], reference(changed, heldout))
    assert (found.extras["nearest"][0], found.extras["mirrored"][0], found.extras["flagged"][0]) == (7, False, True)


def test_held_out_images_that_are_training_images_too_do_not_hide_copies(
    ref: Reference, train: np.ndarray, heldout: np.ndarray, fresh: np.ndarray
) -> None:
    """Verbatim, mirrored, and saved again with a loss of one grey level."""
    leaking = heldout.copy()
    leaking[:4], leaking[50:53], leaking[90:95] = train[:4], train[10:13, :, ::-1], noisy(train[20:25], 1)
    some = fresh.copy()
    some[:20] = train[100:120]
    found = score(some, reference(train, leaking))
    assert found.extras["leaks"].tolist() == [0, 1, 2, 3, 50, 51, 52, 90, 91, 92, 93, 94]
    assert found.extras["flagged"][:20].all()
    assert found.extras["p"][:20] == pytest.approx(1 / (HELD_OUT - 12 + 1))
    assert score(some, ref).extras["leaks"].tolist() == []


def test_a_held_out_set_with_leaks_has_no_excess_over_itself(train: np.ndarray, heldout: np.ndarray) -> None:
    leaking = heldout.copy()
    leaking[:20] = train[:20]
    found = score(leaking, reference(train, leaking))
    assert found.value == pytest.approx(0, abs=0.01) and found.interval is not None and found.interval[0] == 0
    assert found.extras["flagged"].sum() == 20, "though the twenty are told"


def test_too_few_held_out_images_are_refused_with_the_number_needed(train: np.ndarray, heldout: np.ndarray) -> None:
    few = heldout[:19].copy()
    assert score(train[:30], reference(train, few)).band == "small"
    few[3] = train[3]
    with pytest.raises(Refused, match="at least 19 held-out images; there are 18 .besides 1 that are training images too."):
        score(train[:30], reference(train, few))
    with pytest.raises(Refused, match="at least 99 held-out images; there are 19: add images"):
        score(train[:30], reference(train, heldout[:19]), fdr=0.01)
    with pytest.raises(Refused, match="there are none"):
        memorisation.score(look(train[:30]), Reference(look(train)), COPIES)


def test_fewer_images_than_neighbours_are_all_neighbours(train: np.ndarray, heldout: np.ndarray) -> None:
    found = score(train[:16], reference(train[:16], heldout))
    assert found.extras["flagged"].all() and found.extras["nearest"].tolist() == list(range(16))


def test_without_mirror_images_mirrored_copies_are_not_told(ref: Reference, train: np.ndarray) -> None:
    """But for flowers that are nearly symmetric."""
    found = score(np.ascontiguousarray(train[:50, :, ::-1]), ref, mirrored=False)
    assert found.extras["flagged"].mean() < 0.3 and not found.extras["mirrored"].any()


def test_larger_images_are_compared_at_32_pixels() -> None:
    train, heldout = (petals.draw(0, np.arange(a, b), 48)[0] for a, b in ((0, 120), (120, 180)))
    found = score(np.concatenate([train[:20, :, ::-1], heldout[:40]]), reference(train, heldout))
    assert found.extras["flagged"].tolist() == [True] * 20 + [False] * 40
    assert found.extras["mirrored"][:20].all() and found.value == pytest.approx(1 / 3, abs=0.03)


def test_fake_comes_before_real(ref: Reference, train: np.ndarray, heldout: np.ndarray, fresh: np.ndarray) -> None:
    """40 of 200 fakes are copies; with the sides turned about it is 40 of 80."""
    some = fresh.copy()
    some[:40] = train[:40]
    assert score(some, ref).value == pytest.approx(0.2, abs=0.03)
    assert score(train[:80], reference(some, heldout)).value == pytest.approx(0.5, abs=0.03)


def test_the_held_out_images_are_searched_once(ref: Reference, fresh: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    first = score(fresh, ref)
    searched: list[int] = []
    near = memorisation.near
    monkeypatch.setattr(memorisation, "near", lambda x, sides, k: searched.append(len(x)) or near(x, sides, k))  # type: ignore[func-returns-value]
    again = score(fresh, replace(ref))
    assert searched == [FAKES, FAKES], "features and pixels of the generated images only"
    np.testing.assert_array_equal(again.extras["p"], first.extras["p"])
    score(fresh, ref, neighbours=20)
    assert len(searched) == 2 + 4


def test_permuting_the_images_permutes_what_is_said_of_them(ref: Reference, train: np.ndarray, fresh: np.ndarray) -> None:
    some = np.concatenate([fresh[:30], train[:10]])
    order = np.random.default_rng(5).permutation(40)
    a, b = score(some, ref), score(some[order], ref)
    assert (a.value, a.error, a.interval) == (b.value, b.error, b.interval)
    for name in ("nearest", "mirrored", "ratio", "p", "flagged"):
        np.testing.assert_array_equal(a.extras[name][order], b.extras[name])


# ---------------------------------------------------------------------------------------------------- statistics


def test_p_values_count_the_held_out_images_that_are_as_near() -> None:
    heldout = np.array([0.5, 0.2, 0.9, 0.5])
    assert p_values(np.array([0.1, 0.2, 0.5, 0.7, 2.0]), heldout).tolist() == [1 / 5, 2 / 5, 4 / 5, 4 / 5, 1]


def test_false_flags_stay_at_the_level() -> None:
    """400 times 15 images like the 799 held-out ones: a set with any flag is a false discovery, 5 % of them are allowed."""
    random, any_flag, p = np.random.default_rng(3), 0, []
    for _ in range(400):
        p.append(p_values(random.random(15), random.random(799)))
        any_flag += bool(discoveries(p[-1], 0.05).any())
    assert 2 <= any_flag <= 33  # 20 are allowed, 33 lies three deviations above; 2 of 800 suffice for a flag, so some there are
    for level in (0.01, 0.05, 0.2):
        assert np.mean(np.concatenate(p) <= level) == pytest.approx(level, rel=0.2)


def test_of_those_flagged_the_level_is_false_at_most() -> None:
    random, share = np.random.default_rng(4), []
    for _ in range(300):
        fake, heldout = random.random(100), random.random(500)
        fake[:20] *= 0.001
        flagged = discoveries(p_values(fake, heldout), 0.05)
        share.append(flagged[20:].sum() / max(1, flagged.sum()))
    assert 0 < np.mean(share) <= 0.05


def test_discoveries_of_benjamini_and_hochbergs_own_example() -> None:
    """Their section 3.2: fifteen p-values, q = 0.05; the four smallest are rejected where Bonferroni rejects three."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert discoveries(np.array(p[::-1]), 0.05).tolist() == [False] * 11 + [True] * 4
    assert not discoveries(np.array([0.9, 0.2]), 0.05).any()
    assert discoveries(np.full(20, 0.05), 0.05).all()


def test_the_smallest_findable_share_is_where_flags_begin() -> None:
    """m = 432 and 2,048 generated images: 95 near copies can be flagged, 94 cannot."""
    assert findable(432, 0.05) == pytest.approx(1 / (433 * 0.05))
    for copies, flagged in ((95, True), (94, False)):
        p = np.concatenate([np.full(copies, 1 / 433), np.ones(2048 - copies)])
        assert (findable(432, 0.05) <= copies / 2048) == bool(discoveries(p, 0.05).any()) == flagged
    assert findable(19, 0.05) == 1 and findable(18, 0.05) > 1


def test_excess_of_plain_numbers() -> None:
    """109 of 1,000 where 1 of 100 is usual: (0.109 - 0.01) / 0.99."""
    value, error, (low, high) = excess(109, 1000, 1, 100)
    assert value == pytest.approx(0.1) and 0.009 < error < 0.015 and 0 < low < 0.1 < high
    assert excess(0, 1000, 1, 100)[0] == 0 and excess(0, 1000, 1, 100)[2][0] == 0
    assert excess(50, 50, 1, 100)[:2] == (1, 0) and excess(50, 50, 1, 100)[2][1] == 1


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.5, 1.0])
def test_intervals_cover_the_share_of_copies(share: float) -> None:
    """500 times 400 images against 399 held-out ones; at least 95 % but for three deviations, and each side 2.5 % likewise."""
    random, too_high, too_low, values = np.random.default_rng(5), 0, 0, []
    for _ in range(500):
        copies = random.binomial(400, share)
        usual = np.sort(random.random(399))[3]
        found = copies + int((random.random(400 - copies) <= usual).sum())
        value, _, (low, high) = excess(found, 400, 4, 400)
        values.append(value)
        too_high, too_low = too_high + (low > share), too_low + (high < share)
    assert too_high <= 500 * 0.025 + 11 and too_low <= 500 * 0.025 + 11
    assert np.mean(values) == pytest.approx(share, abs=0.005)


# ----------------------------------------------------------------------------------------------------- the network


@pytest.mark.slow
def test_the_same_holds_with_the_networks_features() -> None:
    """EfficientNet-Lite0 at 224 px: copies 10 % and mirrored found, blurred held-out images not."""
    extractor = extractors.resolve("lite0")
    layer = next(iter(extractor.layers))

    def passed(images: np.ndarray) -> Features:
        return extractors.extract(ImageSet("petals", "x", np.ascontiguousarray(images)), extractor, layer)

    train, heldout = draw(0, 320), draw(320, 120)
    ref = Reference(passed(train), passed(heldout), passed(train[:, :, ::-1]))
    mixed = np.concatenate([train[:12], draw(440, 108)])
    found = memorisation.score(passed(mixed), ref, COPIES)
    assert found.extras["flagged"][:12].all() and found.extras["flagged"][12:].sum() <= 1
    mirrored = memorisation.score(passed(train[:120, :, ::-1]), ref, COPIES)
    assert mirrored.extras["flagged"].all() and mirrored.extras["mirrored"].all()
    for sigma in (1.0, 3.0):
        soft = memorisation.score(passed(blurred(heldout, sigma)), ref, COPIES)
        assert not soft.extras["flagged"].any() and soft.interval is not None and soft.interval[0] == 0
