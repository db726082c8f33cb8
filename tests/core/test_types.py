import numpy as np
import pytest

from core.types import BLOCK, ImageSet, Terms, block_hash, concat, digest


def images(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 4, 4, 3), dtype=np.uint8)


def terms(**changes: object) -> Terms:
    values = {
        "metric": "kid",
        "params": {"degree": 3},
        "extractor": "lite0",
        "weights_sha256": "w",
        "layer": "pool",
        "dtype": "float32",
        "input_size": 224,
        "resize": "bilinear",
        "values": "0..1",
        "reference": "petals",
        "reference_split": "train",
        "reference_recipe": "r",
        "reference_fingerprint": "f",
        "n_real": 100,
        "n_fake": 100,
        "generator_seeds": 1,
    }
    return Terms(**(values | changes))  # type: ignore[arg-type]


def test_the_fingerprint_is_that_of_the_content() -> None:
    a, b = ImageSet("a", "train", images(300)), ImageSet("b", "test", images(300).copy(), origin="x")
    assert a.fingerprint == b.fingerprint


def test_one_changed_pixel_changes_the_fingerprint_and_only_its_own_block() -> None:
    changed = images(3 * BLOCK)
    changed[BLOCK + 5, 0, 0, 0] ^= 1
    a, b = ImageSet("a", "train", images(3 * BLOCK)), ImageSet("a", "train", changed)
    assert a.fingerprint != b.fingerprint
    assert [x == y for x, y in zip(a.block_hashes, b.block_hashes, strict=True)] == [True, False, True]


def test_a_prefix_shares_its_whole_blocks() -> None:
    whole = ImageSet("a", "train", images(2 * BLOCK + 10))
    assert whole.take(BLOCK).block_hashes == whole.block_hashes[:1]
    assert len(whole.block_hashes) == 3


def test_the_shape_is_part_of_a_block_s_hash() -> None:
    flat = np.zeros((2, 4, 8, 3), np.uint8)
    assert block_hash(flat) != block_hash(flat.reshape(2, 8, 4, 3))


def test_a_set_joined_of_two_has_both_in_order() -> None:
    a, b = ImageSet("a", "train", images(3), np.arange(3)), ImageSet("b", "train", images(2, 1), np.arange(2))
    joined = concat([a, b], "ab")
    assert len(joined) == 5 and (joined.images[3:] == b.images).all() and joined.labels is not None
    assert concat([a, ImageSet("c", "train", images(2))], "ac").labels is None


def test_images_of_another_kind_are_a_broken_promise() -> None:
    with pytest.raises(AssertionError):
        ImageSet("a", "train", images(3).astype(np.float32))
    with pytest.raises(AssertionError):
        images_without_colour = images(3)[..., 0]
        ImageSet("a", "train", images_without_colour)


def test_equal_terms_have_equal_hashes_whatever_the_order_of_their_parameters() -> None:
    assert terms(params={"a": 1, "b": 2}).hash == terms(params={"b": 2, "a": 1}).hash


@pytest.mark.parametrize(
    "change", [{"n_fake": 99}, {"n_real": 99}, {"resize": "bicubic"}, {"weights_sha256": "v"}, {"params": {}}]
)
def test_any_changed_condition_changes_the_hash(change: dict[str, object]) -> None:
    assert terms(**change).hash != terms().hash


def test_what_json_cannot_say_is_never_hashed() -> None:
    with pytest.raises(ValueError, match="JSON"):
        digest({"x": float("nan")})
