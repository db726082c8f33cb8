"""The only tests that open the Lite0 network."""

import importlib
import socket

import numpy as np
import pytest
import torch
from PIL import Image

from core import features
from core.features import EXTRACTORS, lite0
from core.types import ImageSet

ROW = EXTRACTORS["lite0"]


@pytest.fixture(scope="module")
def look() -> features.Look:
    return lite0.load(features.weights(ROW))


@pytest.fixture(scope="module")
def photos() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (ROW.batch, 16, 16, 3), dtype=np.uint8)


def test_gives_1280_features_and_1000_logits_in_one_pass(look: features.Look, photos: np.ndarray) -> None:
    values, logits = look(photos)
    assert values.shape == (ROW.batch, 1280) and logits.shape == (ROW.batch, 1000)
    assert values.dtype == logits.dtype == np.float32
    assert len(np.unique(logits.round(4), axis=0)) == ROW.batch


def test_features_do_not_depend_on_neighbours_or_place(look: features.Look, photos: np.ndarray) -> None:
    values, logits = look(photos)
    order = np.random.default_rng(1).permutation(ROW.batch)
    moved, said = look(photos[order])
    assert np.array_equal(moved, values[order]) and np.array_equal(said, logits[order])
    alone = np.zeros_like(photos)
    alone[0] = photos[3]
    assert np.array_equal(look(alone)[0][0], values[3])


def test_folding_keeps_the_published_network(look: features.Look, photos: np.ndarray) -> None:
    """Its own forward pass, with every batch norm in place: what the authors published."""
    plain = lite0.plain(features.weights(ROW))
    values, logits = look(photos)
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
    values, _ = look(np.stack(views).astype(np.uint8))
    a, b = values[:4], values[4:]
    within = max(np.linalg.norm(s - s.mean(0), axis=1).max() for s in (a, b))
    assert np.linalg.norm(a.mean(0) - b.mean(0)) > 2 * within


def test_reaches_for_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("the extractor opened a socket")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    importlib.reload(lite0).plain(features.weights(ROW))


def test_extract_opens_the_real_network(monkeypatch: pytest.MonkeyPatch, photos: np.ndarray, look: features.Look) -> None:
    monkeypatch.setattr(features, "_open", {})
    found = features.extract(ImageSet("some", "train", photos[:3]), "lite0")
    assert np.array_equal(found.values, look(photos)[0][:3])
    assert found.weights_sha256 == ROW.weights_sha256
