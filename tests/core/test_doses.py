import numpy as np
import pytest

from core import datasets, doses
from core.configs import AddConfig
from core.errors import ScoreError
from tests.core import tiny_scores
from tests.core.tiny_scores import TinyNetwork, images


@pytest.fixture
def photos(monkeypatch: pytest.MonkeyPatch, tmp_path) -> TinyNetwork:  # type: ignore[no-untyped-def]
    """300 images in two class folders, the second brighter."""
    network = tiny_scores.install(monkeypatch)
    for name, shift, n in (("dark", 0, 200), ("bright", 40, 100)):
        tiny_scores.write_folder(tmp_path / "photos" / name, images(n, seed=shift, shift=shift))
    datasets.add(AddConfig(str(tmp_path / "photos"), "photos"))
    return network


def test_each_curve_starts_undamaged_and_counts_its_images(photos: TinyNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.evaluate.scoring.LEAST", 2)
    monkeypatch.setattr("core.evaluate.LEAST", 2)
    found = doses.curves("photos", "tiny", 30, size=8)
    starts = [d for d in found if d.amount == 0]
    assert [d.damage for d in starts] == [*doses.CURVES, doses.DROPPED]
    assert len({d.value for d in starts[:3]}) == 1
    assert all(d.n == 30 for d in found if d.damage in doses.CURVES)


def test_a_colour_cast_and_noise_rise_with_the_dose(photos: TinyNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.evaluate.scoring.LEAST", 2)
    monkeypatch.setattr("core.evaluate.LEAST", 2)
    found = doses.curves("photos", "tiny", 30, size=8)
    said = doses.verdicts(found)
    assert said["colour cast"] == "rises"
    assert set(said) == {*doses.CURVES, doses.DROPPED}


def test_a_step_down_is_told_from_one_within_the_errors() -> None:
    def curve(*values: float, error: float = 0.1) -> list[doses.Dose]:
        return [doses.Dose("blur", "pixels", k, v, error, 9) for k, v in enumerate(values)]

    assert doses.verdicts(curve(0, 1, 2)) == {"blur": "rises"}
    assert doses.verdicts(curve(0, 2, 1)) == {"blur": "falls"}
    assert doses.verdicts(curve(0, 2, 1, error=1)) == doses.verdicts(curve(0, 1, 1)) == {"blur": "open"}


def test_fewer_images_than_a_score_needs_are_refused() -> None:
    with pytest.raises(ScoreError, match="n is -3; a dose curve needs at least 16"):
        doses.curves("petals", "lite0", -3)


def test_damage_keeps_shape_and_dtype_and_dose_zero_changes_nothing() -> None:
    x = images(3).images
    for damage, _, amounts in doses.CURVES.values():
        assert damage(x, amounts[0]).shape == x.shape and damage(x, amounts[0]).dtype == np.uint8
        assert np.array_equal(damage(x, 0), x)


def test_a_protocol_that_is_never_ranked_has_no_curve() -> None:
    with pytest.raises(ScoreError, match="never ranked"):
        doses.curves("petals", "study-2024")
