"""The only tests that open the Lite0 network."""

import importlib
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core import features, store
from core.errors import ScoreError
from core.features import EXTRACTORS, lite0
from core.types import ImageSet

ROW = EXTRACTORS["lite0"]
(LAYER,) = ROW.layers


@pytest.fixture(scope="module")
def look() -> features.Look:
    return lite0.load(features.resolve("lite0")).look


@pytest.fixture(scope="module")
def photos() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (ROW.batch, 16, 16, 3), dtype=np.uint8)


def both(look: features.Look, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = look(images)
    assert sorted(found) == sorted([LAYER, features.LOGITS])
    return found[LAYER], found[features.LOGITS]


def test_gives_1280_features_and_1000_logits_in_one_pass(look: features.Look, photos: np.ndarray) -> None:
    values, logits = both(look, photos)
    assert values.shape == (ROW.batch, 1280) and logits.shape == (ROW.batch, 1000)
    assert values.dtype == logits.dtype == np.float32
    assert len(np.unique(logits.round(4), axis=0)) == ROW.batch


def test_features_do_not_depend_on_neighbours_or_place(look: features.Look, photos: np.ndarray) -> None:
    values, logits = both(look, photos)
    order = np.random.default_rng(1).permutation(ROW.batch)
    moved, said = both(look, photos[order])
    assert np.array_equal(moved, values[order]) and np.array_equal(said, logits[order])
    alone = np.zeros_like(photos)
    alone[0] = photos[3]
    assert np.array_equal(look(alone)[LAYER][0], values[3])


def test_folding_keeps_the_published_network(look: features.Look, photos: np.ndarray) -> None:
    """Its own forward pass, with every batch norm in place: what the authors published."""
    plain = lite0.plain(features.resolve("lite0"))
    values, logits = both(look, photos)
    with torch.inference_mode():
        x = lite0.prepared(photos[:2])
        assert np.abs(plain(x).numpy() - logits[:2]).max() < 3e-4
        assert np.abs(plain._avg_pooling(plain.extract_features(x)).flatten(1).numpy() - values[:2]).max() < 3e-5


def test_pixels_reach_the_network_between_minus_one_and_one() -> None:
    ends = np.stack([np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8)])
    x = lite0.prepared(ends)
    assert x.shape == (2, 3, 224, 224)
    assert torch.allclose(x[0], torch.full_like(x[0], -1)) and torch.allclose(x[1], torch.ones_like(x[1]))
    assert x.min() >= -1 and x.max() <= 1


def test_enlarging_is_pillow_s_bicubic(photos: np.ndarray) -> None:
    """To two of 255 levels: Pillow rounds to whole ones, and clips, between its two passes; hence no extreme pixels here."""
    mild = photos // 3 + 80
    for photo, x in zip(mild, lite0.prepared(mild), strict=True):
        pillow = np.asarray(Image.fromarray(photo).resize((224, 224), Image.Resampling.BICUBIC), dtype=np.float32)
        assert np.abs((x.permute(1, 2, 0).numpy() + 1) * 127.5 - pillow).max() < 2.0


def test_channels_keep_their_order() -> None:
    red = np.zeros((1, 8, 8, 3), np.uint8)
    red[..., 0] = 255
    assert lite0.prepared(red)[0].mean((1, 2)).round().tolist() == [1, -1, -1]


def test_knows_a_plain_disc_from_a_striped_one_by_its_training(look: features.Look) -> None:
    """Learned features: four views of one shape lie closer together than two shapes."""
    y, x = np.mgrid[:32, :32] - 15.5
    disc = np.where((x**2 + y**2 < 100)[..., None], [220, 40, 40], [20, 90, 30])
    stripes = np.where(((x + y) % 8 < 4)[..., None], [220, 40, 40], [20, 90, 30])
    views = [np.roll(shape, s, axis=1) for shape in (disc, stripes) for s in (-2, -1, 1, 2)]
    values = look(np.stack(views).astype(np.uint8))[LAYER]
    a, b = values[:4], values[4:]
    within = max(np.linalg.norm(s - s.mean(0), axis=1).max() for s in (a, b))
    assert np.linalg.norm(a.mean(0) - b.mean(0)) > 2 * within


def test_reaches_for_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("the extractor opened a socket")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    importlib.reload(lite0).plain(features.resolve("lite0"))


def test_extract_opens_the_real_network(monkeypatch: pytest.MonkeyPatch, photos: np.ndarray, look: features.Look) -> None:
    monkeypatch.setattr(features, "_open", {})
    found = features.extract(ImageSet("some", "train", photos[:3]), features.resolve("lite0"), LAYER)
    assert np.array_equal(found.values, look(photos)[LAYER][:3])
    assert found.weights_sha256 == ROW.weights_sha256


def other(tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> features.Extractor:
    """The row with a changed copy of its weights, trusted by its hash."""
    tensors = dict(torch.load(features.resolve("lite0").where, weights_only=True))
    change(tensors)
    torch.save(tensors, tmp_path / "other.pth")
    return features.resolve("lite0", None, str(tmp_path / "other.pth"), store.sha256(tmp_path / "other.pth"))


def test_other_weights_are_taken_by_their_hash_and_keep_their_own_features(
    tmp_path: Path, photos: np.ndarray, look: features.Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "_open", {})
    some = ImageSet("some", "train", photos[:2])
    own = features.extract(some, features.resolve("lite0"), LAYER)
    e = other(tmp_path, lambda t: t["_fc.bias"].add_(1))
    found = features.extract(some, e, LAYER)
    assert found.weights_sha256 == e.weights_sha256 != own.weights_sha256
    assert found.logits is not None and own.logits is not None
    assert np.allclose(found.logits, own.logits + 1, atol=1e-5) and np.array_equal(found.values, own.values)


def test_weights_of_half_precision_are_computed_with_in_full(tmp_path: Path, photos: np.ndarray) -> None:
    e = other(tmp_path, lambda t: t.update({k: v.half() for k, v in t.items() if v.is_floating_point()}))
    assert lite0.load(e).look(photos)[LAYER].dtype == np.float32


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.pop("_fc.bias"), r'Missing key.*"_fc.bias"'),
        (lambda t: t.update({"more": torch.zeros(2)}), r'Unexpected key.*"more"'),
        (lambda t: t.update({"_fc.bias": torch.zeros(7)}), "size mismatch for _fc.bias"),
        (lambda t: t["_fc.bias"].fill_(torch.nan), "numbers in '_fc.bias' that are not finite"),
    ],
    ids=["missing", "more", "shape", "nan"],
)
def test_weights_that_do_not_fit_are_one_sentence(
    tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], object], says: str
) -> None:
    e = other(tmp_path, change)
    with pytest.raises(ScoreError, match=says) as error:
        lite0.load(e)
    assert "other.pth" in str(error.value) and "\n" not in str(error.value) and str(error.value).endswith(".")
