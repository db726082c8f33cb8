from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from core import protocols
from core.errors import ScoreError
from core.features import EXTRACTORS
from core.metrics import METRICS
from core.protocols import PROTOCOLS, label
from core.types import ImageSet, Terms

P = PROTOCOLS["lite0"]


def real(n: int = 20, name: str = "d", split: str = "train") -> ImageSet:
    return ImageSet(name, split, np.random.default_rng(n).integers(0, 256, (n, 8, 8, 3), dtype=np.uint8))


def resolved(**change: object) -> Terms:
    given = {"p": P, "rule": P.metrics[0], "extractor": EXTRACTORS["lite0"], "real": real()} | {
        "recipe": {"crop": "centre"},
        "n_fake": 64,
        **change,
    }
    return protocols.resolve(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_every_protocol_names_rows_that_exist(name: str) -> None:
    p = PROTOCOLS[name]
    assert p.name == name and p.extractor in EXTRACTORS
    assert all(r.metric in METRICS and r.params for r in p.metrics)
    assert p.layer in EXTRACTORS[p.extractor].layers


def test_lite0_ranks_by_kid_on_2048_images_against_training() -> None:
    assert [r.metric for r in P.metrics][:2] == ["kid", "fd"] and P.n == 2048 and P.reference_split == "train"


def test_lite0_never_says_fid() -> None:
    assert label("lite0", "fd") == "FD (Lite0)"
    assert label("lite0", "kid") == "KID (Lite0)"
    assert label("lite0", "kid_matched") == "KID (Lite0), matched n"


def test_only_distances_of_inceptions_last_layer_are_called_fid() -> None:
    assert label("inception", "fid") == "FID (Inception)" and label("torchmetrics", "fid") == "FID (torchmetrics)"
    assert label("study-2024", "fid") == "FID-64 (study)"
    assert label("pixels", "fd") == "FD (pixels)" and label("lite0", "is") == "IS (Lite0)"


def test_foreign_weights_are_named_and_never_called_fid() -> None:
    own, other = EXTRACTORS["inception"].weights_sha256, "f17de1cd" + "0" * 56
    assert label("inception", "fid", own) == "FID (Inception)"
    assert label("inception", "fid", other) == "FD (Inception, weights f17de1cd)"
    assert label("lite0", "kid_matched", other) == "KID (Lite0, weights f17de1cd), matched n"
    assert label("pixels", "kid", other) == "KID (pixels)"


def test_a_role_of_another_version_is_written_as_it_stands() -> None:
    assert label("lite0", "clever") == "clever (Lite0)"


def test_the_rules_of_copies_stand_in_its_terms() -> None:
    (copies,) = (r for r in P.metrics if r.metric == "copies")
    assert {"tail", "same_levels", "same_ratio", "pixels_side"} <= copies.params.keys()


def test_the_study_is_never_ranked_and_all_else_ranks_by_kid() -> None:
    assert [name for name, p in PROTOCOLS.items() if not p.ranked] == ["study-2024"]
    assert all(p.metrics[0].metric == "kid" for p in PROTOCOLS.values() if p.ranked)


def test_terms_spell_out_what_was_compared() -> None:
    t, row = resolved(), EXTRACTORS["lite0"]
    assert (t.metric, t.n_fake, t.n_real, t.reference, t.reference_split) == ("kid", 64, 20, "d", "train")
    assert (t.weights_sha256, t.input_size, t.resize) == (row.weights_sha256, 224, row.resize)
    assert t.reference_fingerprint == real().fingerprint


def test_equal_conditions_have_equal_terms() -> None:
    assert resolved() == resolved() and resolved().hash == resolved().hash


@pytest.mark.parametrize(
    "change",
    [
        {"n_fake": 65},
        {"real": real(21)},
        {"real": real(name="e")},
        {"real": real(split="val")},
        {"recipe": {"crop": "none"}},
        {"rule": P.metrics[1]},
        {"params": {"n_heldout": 20}},
        {"extractor": replace(EXTRACTORS["lite0"], weights_sha256="1" * 64)},
        {"rule": replace(P.metrics[0], params={**P.metrics[0].params, "degree": 2})},
    ],
)
def test_any_other_condition_is_another_hash(change: dict[str, object]) -> None:
    assert resolved(**change).hash != resolved().hash


def test_every_field_of_terms_shapes_the_hash() -> None:
    t = resolved()
    for f in fields(Terms):
        value = getattr(t, f.name)
        other: Any = value + 1 if isinstance(value, int) else {"other": 1} if f.name == "params" else value + "x"
        assert replace(t, **{f.name: other}).hash != t.hash, f.name


def test_an_unknown_protocol_is_told_with_the_known_ones() -> None:
    with pytest.raises(ScoreError, match="no protocol named 'fid50k'; known: inception, lite0"):
        protocols.protocol("fid50k")
