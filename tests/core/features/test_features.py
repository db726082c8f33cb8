import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from core import features, paths
from core.errors import ScoreError
from core.features import EXTRACTORS
from core.types import BLOCK, Features, ImageSet, Progress, concat, silent
from tests.core import tiny_scores
from tests.core.tiny_scores import BATCH, DIM, LAYER, TinyNetwork, images


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> TinyNetwork:
    return tiny_scores.install(monkeypatch)


def extract(some: ImageSet, progress: Progress = silent) -> Features:
    return features.extract(some, features.resolve("tiny"), LAYER, progress)


def opened(monkeypatch: pytest.MonkeyPatch, look: features.Look, batch: int = BATCH) -> None:
    """Another network stands behind "tiny"."""
    monkeypatch.setitem(features._open, f"tiny {EXTRACTORS['tiny'].weights_sha256}", features.Opened(look, batch))


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(features.time, "perf_counter", lambda: self.now)


def test_have_one_row_an_image_in_order(network: TinyNetwork) -> None:
    some = images(BLOCK + 10)
    found = extract(some)
    assert found.values.shape == (BLOCK + 10, DIM) and found.values.dtype == np.float32
    assert found.logits is not None and found.logits.shape == (BLOCK + 10, 3)
    alone = extract(some.take(1))
    assert np.array_equal(found.values[:1], alone.values)
    assert found.source == some.fingerprint


def test_a_second_pass_asks_the_network_nothing(network: TinyNetwork) -> None:
    first = extract(images(30))
    passed = network.passed
    again = extract(images(30))
    assert network.passed == passed
    assert np.array_equal(first.values, again.values)


def test_a_set_that_shares_blocks_passes_only_the_new_ones(network: TinyNetwork) -> None:
    some = images(2 * BLOCK)
    extract(some.take(BLOCK))
    before = network.passed
    extract(some)
    assert network.passed - before == BLOCK
    # Another name, the same pixels.
    extract(ImageSet("other", "val", some.images.copy()))
    assert network.passed - before == BLOCK


def test_batches_are_always_full(network: TinyNetwork) -> None:
    extract(images(BATCH + 1))
    assert network.batches == [BATCH, BATCH]


def test_an_interrupted_pass_loses_one_block_at_most(network: TinyNetwork) -> None:
    some = images(2 * BLOCK)

    def stop(done: int, total: int, note: str) -> None:
        if done > BLOCK + 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(some, stop)
    before = network.passed
    extract(some)
    assert network.passed - before == BLOCK


def test_progress_counts_images_of_the_whole_set(network: TinyNetwork) -> None:
    told: list[tuple[int, int]] = []
    extract(images(BLOCK + 8), lambda done, total, note: told.append((done, total)))
    assert told == sorted(told) and told[-1] == (BLOCK + 8, BLOCK + 8)
    assert {total for _, total in told} == {BLOCK + 8}


def test_missing_counts_the_images_of_blocks_that_are_not_there(network: TinyNetwork) -> None:
    some = images(BLOCK + 8)
    assert features.missing(some, "tiny") == BLOCK + 8
    extract(some.take(BLOCK))
    assert features.missing(some, "tiny") == 8
    extract(some)
    passed = network.passed
    assert features.missing(some, "tiny") == 0 and network.passed == passed


def test_missing_counts_for_the_weights_that_are_trusted(network: TinyNetwork) -> None:
    extract(images(20))
    assert features.missing(images(20), "tiny", trust_sha256="A" * 64) == 20
    assert features.missing(images(20), "tiny", trust_sha256="0" * 64) == 0


def test_missing_opens_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_opened", lambda e: pytest.fail("the network was opened"))
    assert features.missing(images(20), "inception") == 20


def test_nothing_is_missing_of_what_is_fitted() -> None:
    assert features.missing(images(20), "pixel-pca") == 0


def test_a_flipped_bit_in_the_cache_is_found_and_the_block_passed_again(network: TinyNetwork) -> None:
    some = images(20)
    right = extract(some).values.copy()
    (file,) = paths.store("features").glob(f"*/{LAYER}.npy")
    raw = bytearray(file.read_bytes())
    raw[-3] ^= 1
    file.write_bytes(raw)
    before = network.passed
    with pytest.warns(UserWarning, match="damaged cache entry"):
        again = extract(some)
    assert np.array_equal(again.values, right) and network.passed - before == 20


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("layer", [LAYER, "logits"])
def test_that_are_not_finite_are_refused_and_not_kept(
    network: TinyNetwork, monkeypatch: pytest.MonkeyPatch, bad: float, layer: str
) -> None:
    def broken(x: np.ndarray) -> dict[str, np.ndarray]:
        found = network(x)
        found[layer][1, 2] = bad
        return found

    opened(monkeypatch, broken)
    with pytest.raises(ScoreError, match="Tiny gave numbers that are not finite for images of toys; run: pip"):
        extract(images(20))
    assert features.missing(images(20), "tiny") == 20


def test_what_fills_up_the_last_batch_may_be_anything(network: TinyNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only features of real rows are judged: a black padding image that overflows changes nothing."""

    def overflows_on_black(x: np.ndarray) -> dict[str, np.ndarray]:
        found = network(x)
        found[LAYER][x.reshape(len(x), -1).max(1) == 0] = np.inf
        return found

    opened(monkeypatch, overflows_on_black)
    assert np.isfinite(extract(images(BATCH + 1)).values).all()


@pytest.mark.parametrize(
    "change",
    [
        {"weights_sha256": "1" * 64},
        {"resize": "nearest"},
        {"input_size": 7},
        {"values": "other"},
        {"dtype": "float16"},
        {"numerics": "other"},
        {"layers": {LAYER: DIM, "more": 2}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_all_that_shapes_the_numbers_is_part_of_the_key(
    network: TinyNetwork, monkeypatch: pytest.MonkeyPatch, change: dict[str, object]
) -> None:
    extract(images(20))
    monkeypatch.setitem(EXTRACTORS, "tiny", replace(EXTRACTORS["tiny"], **change))  # type: ignore[arg-type]
    assert features.missing(images(20), "tiny") == 20


@pytest.mark.parametrize(
    "change", [{"batch": 5}, {"label": "Other"}, {"rate": 1.0}, {"where": "elsewhere"}], ids=lambda change: next(iter(change))
)
def test_what_shapes_no_number_is_no_part_of_the_key(
    network: TinyNetwork, monkeypatch: pytest.MonkeyPatch, change: dict[str, object]
) -> None:
    extract(images(20))
    monkeypatch.setitem(EXTRACTORS, "tiny", replace(EXTRACTORS["tiny"], **change))  # type: ignore[arg-type]
    assert features.missing(images(20), "tiny") == 0


def test_a_second_layer_costs_no_second_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    network = tiny_scores.install(monkeypatch)
    monkeypatch.setitem(EXTRACTORS, "tiny", replace(EXTRACTORS["tiny"], layers={LAYER: DIM, "squares": DIM}))  # type: ignore[arg-type]

    def two(x: np.ndarray) -> dict[str, np.ndarray]:
        found = network(x)
        return {**found, "squares": found[LAYER] ** 2}

    opened(monkeypatch, two)
    first = extract(images(30))
    passed = network.passed
    second = features.extract(images(30), features.resolve("tiny"), "squares")
    assert network.passed == passed
    assert np.array_equal(second.values, first.values**2) and not np.array_equal(second.values, first.values)
    assert first.logits is not None and second.logits is not None and np.array_equal(first.logits, second.logits)


class OutOfMemoryError(RuntimeError):
    """As torch calls its own."""


def test_a_batch_that_does_not_fit_into_memory_is_halved(network: TinyNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    right = extract(images(21, seed=5)).values.copy()
    shutil.rmtree(paths.store("features"))
    tried: list[int] = []

    def holds_two(x: np.ndarray) -> dict[str, np.ndarray]:
        tried.append(len(x))
        if len(x) > 2:
            raise OutOfMemoryError("CUDA out of memory.")
        return network(x)

    opened(monkeypatch, holds_two, batch=8)
    assert np.array_equal(extract(images(21, seed=5)).values, right)
    assert tried[:2] == [8, 4] and set(tried[2:]) == {2}
    tried.clear()
    extract(images(20, seed=3))
    assert set(tried) == {2}, "the batch that fits is remembered"


@pytest.mark.parametrize(("error", "least"), [(OutOfMemoryError, 1), (RuntimeError, 8)])
def test_other_failures_and_a_batch_of_one_that_does_not_fit_are_not_hidden(
    network: TinyNetwork, monkeypatch: pytest.MonkeyPatch, error: type[RuntimeError], least: int
) -> None:
    tried: list[int] = []

    def fails(x: np.ndarray) -> dict[str, np.ndarray]:
        tried.append(len(x))
        raise error("no")

    opened(monkeypatch, fails, batch=8)
    with pytest.raises(error):
        extract(images(20))
    assert tried[-1] == least


def test_the_rate_is_that_of_the_last_pass_that_says_something(network: TinyNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    assert features.rate("tiny") == EXTRACTORS["tiny"].rate

    def slowly(x: np.ndarray) -> dict[str, np.ndarray]:
        clock.now += 0.5 * len(x)
        return network(x)

    opened(monkeypatch, slowly)
    extract(images(features.TIMED))
    assert features.rate("tiny") == pytest.approx(2)
    opened(monkeypatch, network)
    extract(images(features.TIMED - BATCH, seed=1))
    assert features.rate("tiny") == pytest.approx(2), "too few images to say anything"
    extract(images(features.TIMED))
    assert features.rate("tiny") == pytest.approx(2), "nothing was passed"


def test_opening_the_network_is_not_counted_as_passing(network: TinyNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    monkeypatch.setattr(features, "_open", {})

    def load(e: features.Extractor) -> features.Opened:
        clock.now += 100

        def look(x: np.ndarray) -> dict[str, np.ndarray]:
            clock.now += 1
            return network(x)

        return features.Opened(look, BATCH)

    monkeypatch.setattr(features.importlib, "import_module", lambda name: SimpleNamespace(load=load))
    extract(images(features.TIMED))
    assert features.rate("tiny") == pytest.approx(BATCH)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"images": "x", "seconds": 1}', '{"images": 0, "seconds": 0}'])
def test_a_damaged_note_of_the_rate_does_no_harm(network: TinyNetwork, text: str) -> None:
    extract(images(20))
    (paths.store("features") / "speed-tiny.json").write_text(text)
    assert features.rate("tiny") > 0


def test_the_pixels_come_along(network: TinyNetwork) -> None:
    found = extract(images(20))
    assert found.images is not None and np.array_equal(found.images, images(20).images)


def test_of_no_images_are_no_rows(network: TinyNetwork) -> None:
    found = extract(images(20).take(0))
    assert found.values.shape == (0, DIM) and len(found) == 0


def test_of_joined_sets_follow_their_order(network: TinyNetwork) -> None:
    a, b = images(10, seed=1), images(12, seed=2)
    both = extract(concat([a, b], "both")).values
    apart = np.concatenate([extract(s).values for s in (a, b)])
    assert np.array_equal(both, apart)


def test_an_unknown_extractor_is_told_with_the_known_ones() -> None:
    with pytest.raises(ScoreError, match="no extractor named 'vgg'; known: .*lite0"):
        features.resolve("vgg")


def test_the_installed_weights_are_those_that_are_pinned() -> None:
    assert features.state("lite0") == "present"


def test_what_a_web_page_asks_needs_no_torch() -> None:
    code = """
import sys
import numpy as np
import core.features as f
from core.types import ImageSet
assert f.state("lite0") == "present" and f.state("pixel-pca") == "present" and f.state("inception")
some = ImageSet("some", "train", np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8))
assert [f.missing(some, name) for name in f.EXTRACTORS] == [20, 20, 20, 0]
assert all(f.rate(name) > 0 for name in f.EXTRACTORS)
e = f.resolve("pixel-pca", some)
assert f.extract(some, e, "components").values.shape == (20, 64)
assert not {"torch", "torchvision", "torchmetrics", "torch_fidelity", "lightning", "diffusers"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, cwd=paths.PROJECT)


def test_two_who_ask_at_once_pass_each_image_once(network: TinyNetwork) -> None:
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(extract(images(40)).values)) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert network.passed == 40 and np.array_equal(found[0], found[1])
