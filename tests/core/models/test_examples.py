"""Models that came with the studio: listed behind one's own, found by their ids, never changed."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from core import models, paths
from core.errors import ModelError, StoreError
from core.types import ModelCard
from tests.core.models.test_models import flip_a_bit
from tests.core.tiny_models import DDPM, VAE, card, publish, weights


def bundled(tmp_path: Path, name: str = "vae-d", **more: Any) -> ModelCard:
    example = dataclasses.replace(card(VAE, name), origin="example:", created_at="2024-01-01T00:00:00+00:00", **more)
    return models.bundle(example, weights(VAE, tmp_path / f"of {name}"), paths.example_models())


def test_examples_are_listed_behind_ones_own(tmp_path: Path) -> None:
    two, one = bundled(tmp_path, "b"), bundled(tmp_path, "a")
    mine = publish(DDPM, tmp_path)
    assert models.cards() == [mine, one, two]
    assert [models.is_example(c) for c in models.cards()] == [False, True, True]
    assert models.card("a") == one and models.network(one) is not None
    assert models.weights_file(one) == paths.example_models() / "a" / models.EMA


def test_built_in_models_are_no_examples() -> None:
    assert not models.is_example(models.card("noise"))


def test_hidden_examples_are_found_by_their_ids_only(tmp_path: Path) -> None:
    example = bundled(tmp_path)
    assert not models.examples_hidden()
    for _ in range(2):
        models.hide_examples(True)
        assert models.examples_hidden() and models.cards() == []
    assert models.card("vae-d") == example and models.is_example(example) and models.by_name() == {"vae-d": example}
    with pytest.raises(ModelError, match="no model named 'x'; known: copycat@DATASET, gaussian-pca@DATASET, noise."):
        models.card("x")
    for _ in range(2):
        models.hide_examples(False)
        assert not models.examples_hidden() and models.cards() == [example]


def test_an_example_is_neither_renamed_nor_deleted(tmp_path: Path) -> None:
    example = bundled(tmp_path)
    for change in (lambda: models.rename("vae-d", "x"), lambda: models.delete("vae-d")):
        with pytest.raises(ModelError, match="vae-d is an example, which nothing changes; hide the examples"):
            change()
    assert models.cards() == [example]


def test_no_new_model_gets_the_id_of_an_example(tmp_path: Path) -> None:
    bundled(tmp_path, "vae-d-1")
    publish(VAE, tmp_path, model_id="a")
    with pytest.raises(ModelError, match="There is an example 'vae-d-1' already"):
        publish(VAE, tmp_path, model_id="vae-d-1")
    with pytest.raises(ModelError, match="There is an example 'vae-d-1' already"):
        models.rename("a", "vae-d-1")
    assert publish(VAE, tmp_path).id == "vae-d-2"


def test_a_model_of_ones_own_goes_before_an_example_of_its_id(tmp_path: Path) -> None:
    """The example came with a later version of the studio."""
    mine = publish(VAE, tmp_path, model_id="vae-d", seed=1)
    bundled(tmp_path)
    assert models.cards() == [mine] and models.card("vae-d") == mine and not models.is_example(mine)
    assert models.weights_file(mine).is_relative_to(paths.models())


def test_a_flipped_bit_in_an_example_is_refused_with_the_way_to_rebuild_it(tmp_path: Path) -> None:
    example = bundled(tmp_path)
    models.network(example)
    flip_a_bit(models.weights_file(example))
    with pytest.raises(ModelError, match="its sha256 is not the one on the card; run: python -m core demo build --only vae-d"):
        models.network(example)


def test_a_damaged_example_is_left_out_and_told_of(tmp_path: Path) -> None:
    bundled(tmp_path)
    (paths.example_models() / "vae-d" / "card.json").write_text("{")
    assert models.cards() == [] and "card of model 'vae-d' is damaged" in models.damaged()[0]


def test_a_bundled_model_has_its_averaged_weights_only(tmp_path: Path) -> None:
    folder = weights(DDPM, tmp_path / "w", "ema", "raw")
    example = models.bundle(card(DDPM, "x"), folder, tmp_path / "out")
    assert sorted(f.name for f in (tmp_path / "out" / "x").iterdir()) == ["card.json", "ema.safetensors"]
    assert list(example.sha256) == [models.EMA]


def test_a_new_bundle_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    old = bundled(tmp_path)
    new = models.bundle(dataclasses.replace(old, note="new"), weights(VAE, tmp_path / "n", seed=1), paths.example_models())
    assert models.card("vae-d") == new != old and [f.name for f in paths.example_models().iterdir()] == ["vae-d"]
    models.network(new)


def test_an_interrupted_bundling_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, rename, seen = bundled(tmp_path), os.rename, list[Path]()

    def fails(source: Path, target: Path) -> None:
        seen.append(target)
        if len(seen) == 2:
            raise OSError(28, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "rename", fails)
    with pytest.raises(StoreError, match="cannot be written .No space left on device."):
        bundled(tmp_path, note="new")
    assert models.card("vae-d") == old and [f.name for f in paths.example_models().iterdir()] == ["vae-d"]


def test_the_examples_of_the_project_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUDIO_EXAMPLES")
    monkeypatch.chdir(tmp_path)
    assert paths.examples() == paths.PROJECT / "core" / "examples" and (paths.examples() / "README.md").is_file()


def test_every_committed_example_loads_and_tells_its_making(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUDIO_EXAMPLES")
    assert models.damaged() == []
    for example in models.cards():
        assert models.is_example(example) and example.origin == "example:" and example.command.startswith("python -m trainers")
        assert example.metrics["seconds"] > 0 and "torch" in example.note
        assert str(Path.home()) not in str(example) and "/" not in example.note
        models.network(example)
