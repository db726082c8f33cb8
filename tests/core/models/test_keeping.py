"""Rename, delete, restore: by old ids a model is found all the same, and what is cut short leaves it whole."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core import models, paths
from core.errors import ConfigError, ModelError, StoreError
from core.types import ModelCard
from tests.core.tiny_models import DDPM, VAE, card, publish, weights

DEAD = 137


def killed(call: str, at: str, count: int = 1) -> None:
    """Runs `models.CALL` in a process that dies when it is about to do `at` (os.rename, ...) for the count-th time."""
    module, _, name = at.rpartition(".")
    script = f"""
import os, {module}
from core import models
real, seen = {at}, []
def dies(*given, **more):
    seen.append(1)
    return os._exit({DEAD}) if len(seen) == {count} else real(*given, **more)
setattr({module}, {name!r}, dies)
models.{call}
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=paths.PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == DEAD, done.stderr


def on_disk(model_id: str) -> dict[str, object]:
    values: dict[str, object] = json.loads((paths.model(model_id) / "card.json").read_text())
    return values


# ---------------------------------------------------------------------------------------------------------- rename


def test_a_renamed_model_is_the_same_model(tmp_path: Path) -> None:
    before = publish(DDPM, tmp_path, "ema", "raw", model_id="a")
    after = models.rename("a", "b")
    assert (after.id, after.former) == ("b", ("a",)) and models.cards() == [after]
    assert (after.sha256, after.created_at, after.config) == (before.sha256, before.created_at, before.config)
    assert models.network(after).state_dict().keys() == models.network(models.card("a")).state_dict().keys()
    assert on_disk("b")["id"] == "b" and on_disk("b")["former"] == ["a"]


def test_every_earlier_id_finds_the_model(tmp_path: Path) -> None:
    publish(VAE, tmp_path, model_id="a")
    models.rename("a", "b")
    models.rename("a", "c")  # by its old id, too
    assert [models.card(i).id for i in "abc"] == ["c", "c", "c"]
    assert models.card("c").former == ("a", "b") and models.present_ids() == {"a": "c", "b": "c"}


def test_a_model_gets_its_earlier_id_back(tmp_path: Path) -> None:
    publish(VAE, tmp_path, model_id="a")
    models.rename("a", "b")
    assert models.rename("b", "a").former == ("b",)
    assert models.card("b").id == "a" and [c.id for c in models.cards()] == ["a"]


def test_the_id_that_it_has_already_changes_nothing(tmp_path: Path) -> None:
    published = publish(VAE, tmp_path, model_id="a")
    assert models.rename("a", "a") == published == models.card("a")


@pytest.mark.parametrize("new", ["other", "once", "gone", "noise", "copycat@d"])
def test_an_id_that_another_model_has_or_had_is_refused(new: str, tmp_path: Path) -> None:
    for name in ("mine", "once", "gone"):
        publish(VAE, tmp_path / name, model_id=name)
    models.rename("once", "other")
    models.delete("gone")
    for refused in (
        lambda: models.rename("mine", new),
        lambda: models.check_id(new),
        lambda: publish(VAE, tmp_path, model_id=new),
    ):
        with pytest.raises(ModelError, match=f"'{new}'.*choose another"):
            refused()
    assert models.card("mine").former == ()


@pytest.mark.parametrize("new", ["", "../x", ".hidden", "con"])
def test_an_id_that_cannot_be_a_folder_is_refused(new: str, tmp_path: Path) -> None:
    publish(VAE, tmp_path, model_id="a")
    with pytest.raises(ConfigError, match="cannot be a model name"):
        models.rename("a", new)


def test_no_automatic_id_is_one_that_a_model_had(tmp_path: Path) -> None:
    for k in range(3):
        publish(VAE, tmp_path / str(k))
    models.rename("vae-d-1", "a")
    models.delete("vae-d-3")
    assert publish(VAE, tmp_path / "new").id == "vae-d-4"


@pytest.mark.parametrize("change", [lambda i: models.rename(i, "x"), models.delete])
def test_what_is_no_model_of_ones_own_cannot_be_changed(change: Callable[[str], object]) -> None:
    with pytest.raises(ModelError, match="noise is built in: it can be neither renamed nor deleted"):
        change("noise")
    with pytest.raises(ModelError, match="no model named 'nobody'"):
        change("nobody")


def test_a_folder_renamed_by_hand_is_a_renamed_model(tmp_path: Path) -> None:
    publish(VAE, tmp_path, model_id="a")
    os.rename(paths.model("a"), paths.model("b"))
    assert models.card("a").id == "b" and models.card("b").former == ("a",) and models.damaged() == []


def test_a_folder_copied_by_hand_is_a_model_of_its_own(tmp_path: Path) -> None:
    publish(VAE, tmp_path, model_id="a")
    paths.model("b").mkdir()
    for file in paths.model("a").iterdir():
        (paths.model("b") / file.name).write_bytes(file.read_bytes())
    assert [models.card(i).id for i in "ab"] == ["a", "b"] and models.present_ids() == {}


@pytest.mark.parametrize(
    ("at", "count", "now"),
    [
        ("core.store.replace_text", 1, "a"),
        ("os.replace", 1, "a"),
        ("os.rename", 1, "a"),
        ("core.store.replace_text", 2, "b"),
        ("os.replace", 2, "b"),
    ],
)
def test_a_renaming_killed_at_any_moment_leaves_one_whole_model(at: str, count: int, now: str, tmp_path: Path) -> None:
    published = publish(VAE, tmp_path, model_id="a")
    killed("rename('a', 'b')", at, count)
    (found,) = models.cards()
    assert found.id == now and models.damaged() == [] and models.card("a") == found and found.sha256 == published.sha256
    models.network(found)
    again = models.rename("a", "b")
    assert again.former == ("a",) and on_disk("b")["id"] == "b" and on_disk("b")["former"] == ["a"]


def test_two_renamings_killed_one_after_the_other_lose_no_id(tmp_path: Path) -> None:
    publish(VAE, tmp_path, model_id="a")
    killed("rename('a', 'b')", "core.store.replace_text", 2)
    killed("rename('b', 'c')", "core.store.replace_text", 2)
    assert models.card("a") == models.card("b") == models.card("c") and models.card("c").former == ("a", "b")


def test_a_folder_that_cannot_be_moved_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(VAE, tmp_path, model_id="a")

    def held(source: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "rename", held)
    for change in (lambda: models.rename("a", "b"), lambda: models.delete("a")):
        with pytest.raises(StoreError, match=r"cannot be changed \(Permission denied\)"):
            change()
    assert models.card("a").id == "a"


# --------------------------------------------------------------------------------------------------------- deleting


def test_a_deleted_model_is_in_no_list_until_it_is_restored(tmp_path: Path) -> None:
    published = publish(VAE, tmp_path, model_id="a")
    where = models.delete("a")
    assert (where / models.EMA).is_file() and where.is_relative_to(paths.models())
    assert models.cards() == [] and models.deleted() == [published] and models.by_name() == {}
    with pytest.raises(ModelError, match="'a' is deleted; bring it back with: python -m core models restore a"):
        models.card("a")
    assert models.restore("a") == published and models.cards() == [published] and models.deleted() == []
    models.network(published)
    assert list(paths.deleted_models().iterdir()) == []


def test_a_model_is_deleted_and_restored_by_an_id_that_it_had(tmp_path: Path) -> None:
    publish(VAE, tmp_path, model_id="a")
    models.rename("a", "b")
    models.delete("a")
    assert [c.id for c in models.deleted()] == ["b"] and models.present_ids() == {"a": "b"}
    assert models.restore("a").id == "b"


def test_of_two_deleted_models_with_one_id_the_last_is_restored_first(tmp_path: Path) -> None:
    first = publish(VAE, tmp_path / "1", model_id="a")
    models.delete("a")
    # Nobody gets this id any more, but somebody may put a folder there.
    place = paths.model("a")
    second = publish(VAE, tmp_path / "2", model_id="b", seed=1)
    os.rename(paths.model("b"), place)
    models.delete("a")
    assert first.sha256 != second.sha256 and len(models.deleted()) == 1
    assert models.restore("a").sha256 == second.sha256
    with pytest.raises(ModelError, match="a model 'a' already; rename that first"):
        models.restore("a")
    models.rename("a", "c")
    assert models.restore("a").sha256 == first.sha256


def test_what_was_not_deleted_cannot_be_restored(tmp_path: Path) -> None:
    publish(VAE, tmp_path, model_id="a")
    models.delete("a")
    with pytest.raises(ModelError, match="no deleted model named 'b'; known: a"):
        models.restore("b")


def test_a_damaged_model_can_be_deleted_and_comes_back_once_its_card_is_whole(tmp_path: Path) -> None:
    publish(VAE, tmp_path, model_id="a")
    file = paths.model("a") / "card.json"
    text = file.read_text()
    file.write_text("{")
    where = models.delete("a")
    assert models.damaged() == [] and models.deleted() == []
    with pytest.raises(ModelError, match="The card of model 'a' is damaged"):
        models.restore("a")
    (where / "card.json").write_text(text)
    assert models.restore("a") == models.card("a")


@pytest.mark.parametrize(("call", "at", "now"), [("delete('a')", "os.rename", "there"), ("restore('a')", "os.rename", "deleted")])
def test_a_change_killed_before_the_move_changes_nothing(call: str, at: str, now: str, tmp_path: Path) -> None:
    publish(VAE, tmp_path, model_id="a")
    if now == "deleted":
        models.delete("a")
    killed(call, at)
    assert [c.id for c in models.cards()] == (["a"] if now == "there" else [])
    assert [c.id for c in models.deleted()] == (["a"] if now == "deleted" else [])
    (models.delete if now == "there" else models.restore)("a")
    assert len(models.cards()) + len(models.deleted()) == 1


# --------------------------------------------------------------------------------------------------------- lineage


def made(tmp_path: Path, name: str, **more: Any) -> ModelCard:
    return models.publish(dataclasses.replace(card(VAE, name), **more), weights(VAE, tmp_path / name))


def test_the_lineage_tells_where_a_model_comes_from(tmp_path: Path) -> None:
    made(tmp_path, "root", experiment="")
    made(tmp_path, "middle", base="root", experiment="")
    tuned = made(
        tmp_path, "tuned-s0", base="middle", seed=0, experiment="f" * 64, note="a note", command="python -m trainers vae"
    )
    made(tmp_path, "tuned-s1", base="middle", seed=1, experiment="f" * 64)
    models.rename("middle", "centre")
    told = dict(models.lineage(models.card(tuned.id)))
    assert told["fine-tuned from"] == "centre, which was fine-tuned from root"
    assert told["experiment"] == "f" * 12 + ", seed 0" and told["its other seeds"] == "tuned-s1 (seed 1)"
    assert told["trained by job"] == "1" and told["data set"] == "d, 8 pixels"
    assert told["sha256"] == f"ema.safetensors {tuned.sha256[models.EMA][:12]}"
    assert (told["command"], told["note"]) == ("python -m trainers vae", "a note")
    assert dict(models.lineage(models.card("centre")))["earlier names"] == "middle"


def test_a_base_that_is_gone_is_named_as_gone(tmp_path: Path) -> None:
    tuned = made(tmp_path, "tuned", base="root")
    assert dict(models.lineage(tuned))["fine-tuned from"] == "root (not in the store any more)"


def test_a_card_that_names_itself_as_its_base_is_told_once(tmp_path: Path) -> None:
    tuned = made(tmp_path, "a", base="a")
    assert dict(models.lineage(tuned))["fine-tuned from"] == "a"


def test_built_in_models_have_a_lineage_too() -> None:
    assert dict(models.lineage(models.card("noise"))) == {"family": "Random noise", "data set": "unknown, 32 pixels"}
