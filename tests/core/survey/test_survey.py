"""What is found in a data set, kept, told and acted upon."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import datasets, pixels, survey
from core.cli import main
from core.configs import AddConfig, PrepareConfig, ResplitConfig
from core.errors import DataError
from core.survey import resplitting
from core.types import ImageSet


def picture(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    return small.resize((64, 64), Image.Resampling.BICUBIC)


@pytest.fixture
def leaky(tmp_path: Path) -> str:
    """Own splits of 30, 10 and 10 images; two of test and one of val are copies of training images, made small or mirrored."""
    for split, count, first in (("train", 30, 0), ("val", 10, 30), ("test", 10, 40)):
        for i in range(first, first + count):
            folder = tmp_path / "photos" / split / "ab"[i % 2]
            folder.mkdir(parents=True, exist_ok=True)
            picture(i).save(folder / f"{i}.png")
    photos = tmp_path / "photos"
    picture(3).save(photos / "test" / "b" / "again.png")
    picture(4).resize((40, 40)).save(photos / "test" / "a" / "small.png")
    picture(5).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(photos / "val" / "a" / "mirrored.png")
    datasets.add(AddConfig(str(photos), name="leaky"))
    datasets.prepare(PrepareConfig("leaky"))
    return "leaky"


def test_densities_are_numpys_histograms_to_the_bit(leaky: str) -> None:
    document = survey.document(survey.of(leaky))
    for split in ("train", "val", "test"):
        images = datasets.load(leaky, split).images
        for c in range(3):
            expected, _ = np.histogram(images[..., c], bins=256, range=(0, 256), density=True)
            assert document["densities"][split][c] == expected.tolist()


def test_copies_across_splits_are_told_with_their_files_kinds_and_classes(leaky: str) -> None:
    found = survey.document(survey.of(leaky))["copies"]
    named = {(r["kind"], r["file_a"], r["file_b"]) for r in found["pairs"]}
    assert named == {
        ("same file", "train/b/3.png", "test/b/again.png"),
        ("resized", "train/a/4.png", "test/a/small.png"),
        ("mirrored", "train/b/5.png", "val/a/mirrored.png"),
    }
    assert found["across"] == {"same file": 1, "resized": 1, "mirrored": 1} and found["within"] == {}
    assert (found["images"], found["groups"], found["leaking"], found["two_classes"]) == (6, 3, 6, 1)


def test_a_survey_is_made_once_and_read_back_the_same(leaky: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert survey.cached(leaky) is None
    made = survey.document(survey.of(leaky))
    monkeypatch.setattr(pixels, "described", lambda *_: pytest.fail("looked again"))
    again = survey.cached(leaky)
    assert again is not None and survey.document(again) == made == survey.document(survey.of(leaky))


def test_a_data_set_that_is_not_prepared_has_no_survey_and_is_not_prepared_for_it() -> None:
    assert survey.cached("petals") is None and not datasets.card("petals").prepared


def test_places_count_over_all_splits(leaky: str) -> None:
    s = survey.of(leaky)
    assert s.splits == ("train", "val", "test") and s.starts.tolist() == [0, 30, 41, 53]
    assert [s.place(p) for p in (0, 29, 30, 40, 41, 52)] == [
        *(("train", 0), ("train", 29), ("val", 0), ("val", 10), ("test", 0), ("test", 11))
    ]


def test_leaking_are_all_images_of_groups_in_two_splits(leaky: str) -> None:
    s = survey.of(leaky)
    group, splits = s.arrays["group"], [s.place(i)[0] for i in range(53)]
    plain = [g > 0 and len({splits[i] for i in range(53) if group[i] == g}) > 1 for g in group]
    assert s.leaking.tolist() == plain and sum(plain) == 6


def test_a_split_without_leaks_moves_copies_into_training_and_loses_no_image(leaky: str) -> None:
    new = survey.resplit(ResplitConfig(leaky, name="clean", without_leaks=True))
    datasets.prepare(PrepareConfig(new.name))
    s = survey.of("clean")
    assert dict(s.card.splits) == {"train": 33, "val": 10, "test": 10} and not s.leaking.any()
    assert survey.document(s)["copies"]["across"] == {} and len(s.pairs) == 3
    assert s.card.classes == datasets.card(leaky).classes
    everyone = {bytes(n) for part in s.splits for n in datasets.of_files("clean", part).names}  # type: ignore[union-attr]
    assert len(everyone) == 53
    # The same words again change nothing.
    assert survey.resplit(ResplitConfig(leaky, name="clean", without_leaks=True)).splits == s.card.splits


def test_a_random_split_anew_has_another_seed(leaky: str) -> None:
    survey.resplit(ResplitConfig(leaky, name="other", seed=7))
    c = datasets.added("other")
    assert (c.split, c.seed, c.split_file) == ("random", 7, "")


def test_nothing_is_split_anew_where_nothing_leaks(leaky: str) -> None:
    survey.resplit(ResplitConfig(leaky, name="clean", without_leaks=True))
    with pytest.raises(DataError, match="nothing to move"):
        survey.resplit(ResplitConfig("clean", name="cleaner", without_leaks=True))
    with pytest.raises(DataError):
        survey.resplit(ResplitConfig("petals", name="mine", without_leaks=True))


def test_a_taken_name_keeps_its_own_split_file(leaky: str, tmp_path: Path) -> None:
    survey.resplit(ResplitConfig(leaky, name="clean", without_leaks=True))
    kept = (datasets.paths.dataset("clean") / resplitting.FILE).read_bytes()
    datasets.add(AddConfig(str(tmp_path / "photos"), name="squeezed", crop="squeeze"))
    with pytest.raises(DataError, match="taken"):
        survey.resplit(ResplitConfig("squeezed", name="clean", without_leaks=True))
    assert (datasets.paths.dataset("clean") / resplitting.FILE).read_bytes() == kept


def test_a_split_all_of_which_leaks_is_refused(tmp_path: Path) -> None:
    for split, count in (("train", 8), ("val", 3), ("test", 2)):
        for i in range(count):
            folder = tmp_path / "photos" / split
            folder.mkdir(parents=True, exist_ok=True)
            picture(i + 50 * (split == "val")).save(folder / f"{i}.png")
    datasets.add(AddConfig(str(tmp_path / "photos"), name="same"))
    with pytest.raises(DataError, match="Every image of the test split"):
        survey.resplit(ResplitConfig("same", name="new", without_leaks=True))
    assert not (datasets.paths.dataset("new")).exists()


def test_names_that_are_no_text_survive_a_split_anew(leaky: str, tmp_path: Path) -> None:
    odd = tmp_path / "photos" / "train" / 'a, "quoted"\nline.png'
    picture(99).save(odd)
    datasets.add(AddConfig(str(tmp_path / "photos"), name="odd"))
    survey.resplit(ResplitConfig("odd", name="clean", without_leaks=True))
    assert datasets.prepare(PrepareConfig("clean")).n == 54


def test_the_shell_shows_everything_as_json_and_splits_anew(leaky: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "show", leaky, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {"densities", "mean", "deviation", "values", "drift", "copies", "outliers", "original_size"} <= document.keys()
    assert len(document["drift"]) == 9 and document["values"]["train"]["brightness"]["median"] > 0
    assert main(["datasets", "resplit", leaky, "--without-leaks", "--name", "clean", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["train"] == 33
    assert survey.cached("clean") is not None


def test_drawn_sets_have_surveys_without_files() -> None:
    small = ImageSet("petals", "train", datasets.load("petals", "test", size=8).images)
    s = survey.of("petals", size=8)
    assert (pixels.density_of(s.described("test")) == pixels.rgb_density(small)).all()
    assert all(row["file"] == "" and row["class"] for row in survey.document(s)["outliers"])
