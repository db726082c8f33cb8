"""Cost curves on a small random U-Net and a tiny extractor."""

from dataclasses import replace
from pathlib import Path

import pytest

from core import costs, datasets, generate, results
from core.configs import AddConfig, CostConfig
from core.costs import Curve, Point
from core.errors import ConfigError, ModelError
from tests.core import tiny_scores
from tests.core.tiny_models import DDPM, VAE, publish

POINT = Point("unipc", 20, "exponential", 20, 256, 0.1, 0.01, 0.5, 0.0, 0.01, "undecided")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CostConfig:
    """Eight ways of 64 images each, 32 of them first."""
    tiny_scores.install(monkeypatch)
    for name in ("core.evaluate.scoring.LEAST", "core.evaluate.LEAST"):
        monkeypatch.setattr(name, 2)
    monkeypatch.setattr(costs, "FIRST", 32)
    tiny_scores.write_folder(tmp_path / "photos", tiny_scores.images(300))
    datasets.add(AddConfig(str(tmp_path / "photos"), "photos"))
    model = publish(DDPM, tmp_path / "unet").id
    return CostConfig(model, "photos", "tiny", samplers="ddim, heun", evaluations="9,4", n=64, reference=20)


def test_the_reference_comes_first_and_samplers_rise(asked: CostConfig) -> None:
    ways = costs.ways(replace(asked, samplers="ddim,heun,euler-a"))
    assert [(w.sampler, w.steps) for w in ways] == [
        *(("ddim", 20), ("ddim", 4), ("ddim", 8)),
        *(("heun", 2), ("heun", 5), ("euler-a", 4), ("euler-a", 8)),
    ]
    assert {(w.n, w.seed) for w in ways} == {(64, 0)}
    again = costs.ways(replace(asked, samplers="ddim", evaluations="20,10"))
    assert [(w.sampler, w.steps) for w in again] == [("ddim", 20), ("ddim", 10)], "the reference is drawn once"


def test_first_a_few_images_in_every_way_then_all_of_them(asked: CostConfig) -> None:
    told: list[tuple[int, int, str]] = []
    curve = costs.run(asked, lambda *words: told.append(words))
    drawn = [(e.sample.n, e.sample.sampler, e.sample.steps) for e in results.read("photos") if e.sample and e.kind == "model"]
    ways = [("ddim", 20), ("ddim", 4), ("ddim", 8), ("heun", 2), ("heun", 5)]
    assert drawn == [(n, *way) for n in (32, 64) for way in ways]
    assert [(p.sampler, p.steps, p.n) for p in curve.points] == [(*way, 64) for way in ways]
    assert [p.evaluations for p in curve.points] == [20, 4, 8, 3, 9]
    assert curve.points[0].verdict == "reference" and curve.points[0].difference == 0
    assert all(p.verdict in ("equal", "worse", "better", "undecided") for p in curve.points[1:])
    assert all(p.difference == pytest.approx(p.value - curve.points[0].value) for p in curve.points)
    assert [d for d, _, _ in told] == sorted(d for d, _, _ in told) and {t for _, t, _ in told} == {5 * (32 + 64)}


def test_what_is_on_record_is_found_and_not_drawn_again(asked: CostConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    assert costs.found(asked) is None
    small = replace(asked, n=64, samplers="ddim", evaluations="4")
    whole = costs.run(small)
    monkeypatch.setattr(generate, "_open", lambda c: pytest.fail("drawn again"))
    assert costs.run(small) == costs.found(small) == whole
    part = costs.found(asked)
    assert part is not None and [(p.sampler, p.steps) for p in part.points] == [("ddim", 20), ("ddim", 4)]


def test_a_model_of_other_weights_has_no_curve_yet(asked: CostConfig, tmp_path: Path) -> None:
    costs.run(replace(asked, samplers="ddim", evaluations="4"))
    other = publish(DDPM, tmp_path / "other", seed=9).id
    assert costs.found(replace(asked, model=other)) is None


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"samplers": "ddim,foo"}, "There is no sampler named 'foo'; known: ddim, ddpm"),
        ({"samplers": " , "}, "Nothing is named; needed: words or numbers with commas"),
        ({"evaluations": "10,ten"}, "'ten' is no number of network evaluations"),
        ({"evaluations": "0"}, "'0' is no number of network evaluations"),
        ({"reference": 300}, "steps is 300; ddim on the leading grid needs a divisor of 1000"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(asked: CostConfig, knobs: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        costs.ways(replace(asked, **knobs))  # type: ignore[arg-type]


def test_only_diffusion_models_have_a_cost_to_choose(asked: CostConfig, tmp_path: Path) -> None:
    vae = publish(VAE, tmp_path / "vae").id
    with pytest.raises(ConfigError, match=f"{vae} draws its images at once; needed: a diffusion model"):
        costs.ways(replace(asked, model=vae))
    with pytest.raises(ModelError, match="no model named 'x'"):
        costs.found(replace(asked, model="x"))


def test_good_enough_begins_at_the_cheapest_way_that_is_equal_or_better() -> None:
    equal = [replace(POINT, verdict=v, evaluations=k) for v, k in (("worse", 5), ("equal", 20), ("better", 10), ("undecided", 4))]
    curve = Curve("KID (Lite0)", 0.012, (replace(POINT, verdict="reference", evaluations=3), *equal))
    assert curve.cheapest == equal[2]
    assert costs.said(curve).startswith(
        "Good enough from 10 network evaluations on (unipc, exponential)"
    ) and "0.012" in costs.said(curve)
    assert costs.said(replace(curve, points=(POINT,))) == (
        "Nothing is as good as the reference within 0.012 of KID (Lite0) (two one-sided 5 % tests) yet."
    )
    assert "no margin" in costs.said(replace(curve, margin=None))
