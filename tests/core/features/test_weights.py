"""Weight files: where they are looked for, what vouches for them, and that nothing in them is ever run."""

import collections
import hashlib
import io
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from core import features, paths, store
from core.errors import ScoreError
from core.features import EXTRACTORS, Extractor, inception, lite0, weights
from core.features.table import INCEPTION, LITE0
from tests.core import tiny_inception

CONTENT = b"the weights, as far as anyone here can tell" * 100
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person who has no weights anywhere."""
    for name in ("STUDIO_INCEPTION_WEIGHTS", "TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """CONTENT is what Inception's file should hold."""
    tiny_inception.install(monkeypatch, len(CONTENT), SHA256)


def put(path: Path, content: bytes = CONTENT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def found(name: str = "inception", file: str = "", trust: str = "") -> tuple[str, str]:
    e = features.resolve(name, None, file, trust)
    return e.where, e.weights_sha256


def refused(call: Any, *args: Any) -> str:
    with pytest.raises(ScoreError) as error:
        call(*args)
    said = str(error.value)
    assert "\n" not in said
    return said


def test_the_files_that_are_pinned() -> None:
    """From torch-fidelity's release v0.2.0, whose name carries the beginning of its hash, and from the pip package."""
    assert INCEPTION.size == 95_628_359
    assert INCEPTION.sha256 == "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
    assert all("6726825d" in name for name in INCEPTION.names) and INCEPTION.url.endswith(INCEPTION.names[0])
    assert LITE0.sha256.startswith("57934424") and "57934424" in LITE0.names[0]


# ------------------------------------------------------------------------------------------------------------ places

PLACES = {
    "variable": lambda home: home / "anywhere" / "file.bin",
    "cache": lambda home: paths.weights() / INCEPTION.names[0],
    "cache, other name": lambda home: paths.weights() / INCEPTION.names[1],
    "TORCH_HOME": lambda home: home / "torch" / "hub" / "checkpoints" / INCEPTION.names[0],
    "TORCH_HOME, other name": lambda home: home / "torch" / "hub" / "checkpoints" / INCEPTION.names[1],
}


def all_places(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("STUDIO_INCEPTION_WEIGHTS", str(PLACES["variable"](home)))
    monkeypatch.setenv("TORCH_HOME", str(home / "torch"))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["inception", "inception-torchmetrics"])
def test_are_found_in_each_place_under_each_name(
    place: str, name: str, pinned: None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_places(monkeypatch, home)
    file = put(PLACES[place](home))
    assert found(name) == (str(file), SHA256)
    assert features.state(name) == "present"


def test_earlier_places_stand_before_later_ones(pinned: None, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    all_places(monkeypatch, home)
    files = [put(place(home)) for place in PLACES.values()]
    for file in files:
        assert found() == (str(file), SHA256)
        file.unlink()
    refused(found)


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"TORCH_HOME": "{home}/t", "XDG_CACHE_HOME": "{home}/x"}, "t/hub/checkpoints"),
        ({"XDG_CACHE_HOME": "{home}/x"}, "x/torch/hub/checkpoints"),
        ({}, ".cache/torch/hub/checkpoints"),
        ({"XDG_CACHE_HOME": "", "TORCH_HOME": ""}, ".cache/torch/hub/checkpoints"),
        ({"TORCH_HOME": "~/mine"}, "mine/hub/checkpoints"),
    ],
    ids=["TORCH_HOME", "XDG_CACHE_HOME", "default", "empty", "tilde"],
)
def test_torch_s_own_folder_is_looked_for_as_torch_does(
    variables: dict[str, str], folder: str, pinned: None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(home=home))
    file = put(home / folder / INCEPTION.names[0])
    assert found() == (str(file), SHA256)
    if all(variables.values()):  # an empty variable is torch's current folder, which nobody means
        assert Path(torch.hub.get_dir()) / "checkpoints" == file.parent


def test_absent_weights_are_told_with_file_size_hash_places_and_what_works_without(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_places(monkeypatch, home)
    said = refused(features.check, "inception")
    assert said == features.state("inception")
    for part in (
        *("Inception-2015", "weights-inception-2015-12-05-6726825d.pth", "95,628,359 bytes", f"sha256 {INCEPTION.sha256}"),
        *(str(home / "anywhere"), str(paths.weights()), str(home / "torch" / "hub" / "checkpoints")),
        *("python -m core weights get inception", "--protocol lite0 works without it."),
    ):
        assert part in said, part


def test_weights_of_a_package_that_is_not_installed_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    row = replace(EXTRACTORS["lite0"], weights=replace(LITE0, package="no_such_package"))
    monkeypatch.setitem(EXTRACTORS, "lite0", row)  # type: ignore[arg-type]
    assert features.state("lite0") == f"The weights of EfficientNet-Lite0 are not installed; run: {LITE0.get}"


# ------------------------------------------------------------------------------------------------------ verification


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (CONTENT[:-1], f"it has {len(CONTENT) - 1:,} bytes, needed: {len(CONTENT):,}"),
        (CONTENT[:50] + b"X" + CONTENT[51:], f"needed: {SHA256}"),
        (b"", "it has 0 bytes"),
    ],
    ids=["truncated", "changed", "empty"],
)
def test_files_that_are_not_what_they_should_be_are_refused_and_never_read(
    place: str, content: bytes, says: str, pinned: None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_places(monkeypatch, home)
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("the file was read"))
    file = put(PLACES[place](home), content)
    said = refused(found)
    assert says in said and str(file) in said and "take it away" in said and "lite0 works without it" in said
    assert features.state("inception") == said


def test_changed_weights_of_the_package_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    raw = bytearray(Path(found("lite0")[0]).read_bytes())
    raw[len(raw) // 2] ^= 1
    put(tmp_path / "copied_weights" / "__init__.py", b"")
    put(tmp_path / "copied_weights" / LITE0.names[0], bytes(raw))
    monkeypatch.syspath_prepend(tmp_path)
    row = replace(EXTRACTORS["lite0"], weights=replace(LITE0, package="copied_weights"))
    monkeypatch.setitem(EXTRACTORS, "lite0", row)  # type: ignore[arg-type]
    said = refused(found, "lite0")
    assert "is not the weights file of EfficientNet-Lite0" in said and said.endswith(f"run: {LITE0.get}")


def test_a_file_is_hashed_once_and_again_when_it_changes(pinned: None, monkeypatch: pytest.MonkeyPatch) -> None:
    file = put(paths.weights() / INCEPTION.names[0])
    hashed: list[Path] = []

    def counted(path: Path) -> str:
        hashed.append(path)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    monkeypatch.setattr(store, "sha256", counted)
    for _ in range(3):
        found()
    assert hashed == [file]
    put(file, CONTENT[:50] + b"X" + CONTENT[51:])
    stat = file.stat()
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000))
    refused(found)
    assert hashed == [file, file]


def test_a_file_that_may_not_be_read_is_one_sentence(pinned: None, monkeypatch: pytest.MonkeyPatch) -> None:
    put(paths.weights() / INCEPTION.names[0])

    def denied(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(store, "sha256", denied)
    assert "cannot be read (Permission denied)" in refused(found)


def test_a_file_that_changed_after_it_was_verified_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    e = trusted(tmp_path, {"a": torch.zeros(2)})
    put(Path(e.where), Path(e.where).read_bytes()[::-1])
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("the file was read"))
    assert "has changed since it was verified" in refused(weights.read, e)
    Path(e.where).unlink()
    assert "cannot be read (No such file or directory)" in refused(weights.read, e)


# ------------------------------------------------------------------------------------------------- a file by its hash


@pytest.mark.parametrize("spelled", [str.lower, str.upper, lambda h: f" {h} "], ids=["lower", "upper", "spaces"])
@pytest.mark.parametrize("name", ["inception", "inception-torchmetrics", "lite0"])
def test_another_file_is_taken_by_its_hash(name: str, spelled: Any, tmp_path: Path) -> None:
    file = put(tmp_path / "mine.pth", b"mine")
    own = hashlib.sha256(b"mine").hexdigest()
    assert found(name, str(file), spelled(own)) == (str(file), own)


def test_the_weights_themselves_need_no_hash(pinned: None, tmp_path: Path) -> None:
    file = put(tmp_path / "elsewhere.pth")
    assert found("inception", str(file)) == (str(file), SHA256)


def test_a_named_file_stands_before_every_place(pinned: None, tmp_path: Path) -> None:
    put(paths.weights() / INCEPTION.names[0])
    file = put(tmp_path / "mine.pth", b"mine")
    assert found("inception", str(file), hashlib.sha256(b"mine").hexdigest())[0] == str(file)


def test_another_hash_or_none_is_refused_with_the_file_s_own(pinned: None, tmp_path: Path) -> None:
    file, own = put(tmp_path / "mine.pth", b"mine"), hashlib.sha256(b"mine").hexdigest()
    for trust, wanted in (("ab" * 32, "ab" * 32), ("", SHA256)):
        said = refused(found, "inception", str(file), trust)
        assert own in said and wanted in said and "--trust-sha256" in said


def test_a_hash_without_a_file_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    assert "--extractor-weights FILE" in refused(found, "inception", "", "ab" * 32)
    assert f"There is no file {tmp_path / 'no.pth'}" in refused(found, "inception", str(tmp_path / "no.pth"), "ab" * 32)
    assert "There is no file" in refused(found, "inception", str(tmp_path), "ab" * 32)


# ----------------------------------------------------------------------------------------------------- what is in it


class Hostile:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


class Foreign:
    """Harmless, and no business of a weights file."""


def trusted(tmp_path: Path, content: Any, name: str = "inception") -> Extractor:
    """An extractor whose file holds this, saved by torch (bytes: as they are) and trusted by its hash."""
    raw = io.BytesIO()
    if not isinstance(content, bytes):
        torch.save(content, raw)
    file = put(tmp_path / "given.pth", content if isinstance(content, bytes) else raw.getvalue())
    return features.resolve(name, None, str(file), store.sha256(file))


@pytest.mark.parametrize("how", ["pickle", "torch.save", "torch.save, old format"])
@pytest.mark.parametrize("vouched", ["by its name and size", "by the pinned hash", "by a named hash"])
@pytest.mark.parametrize("module", [inception, lite0], ids=["inception", "lite0"])
def test_code_in_a_file_is_never_run(
    how: str, vouched: str, module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    raw = io.BytesIO()
    content = {"fc.weight": torch.zeros(2), "more": Hostile(ran)}
    if how == "pickle":
        pickle.dump(content, raw)
    else:
        torch.save(content, raw, _use_new_zipfile_serialization="old" not in how)
    raw.seek(0)
    torch.load(raw, weights_only=False) if how != "pickle" else pickle.load(raw)
    assert ran.exists(), "the file would do it"
    ran.unlink()

    sha256 = hashlib.sha256(raw.getvalue()).hexdigest()
    if vouched == "by a named hash":
        file = put(tmp_path / "given.pth", raw.getvalue())
        e = features.resolve("inception", None, str(file), sha256)
    else:
        put(paths.weights() / INCEPTION.names[0], raw.getvalue())
        pinned_hash = sha256 if "hash" in vouched else SHA256
        tiny_inception.install(monkeypatch, len(raw.getvalue()), pinned_hash)
        if "size" in vouched:
            assert "its sha256 is" in refused(found)
            assert not ran.exists()
            return
        e = features.resolve("inception")
    said = refused(module.load, e)
    assert "holds more than weights (" in said or how == "pickle"
    assert "cannot be read as weights" in said or how != "pickle"
    assert not ran.exists()


def loads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, bool]]:
    """(what, weights_only) of every torch.load from now on."""
    seen: list[tuple[object, bool]] = []
    real = torch.load

    def recorded(f: Any, *args: Any, weights_only: bool = False, **more: Any) -> Any:
        seen.append((f, weights_only))
        return real(f, *args, weights_only=weights_only, **more)

    monkeypatch.setattr(torch, "load", recorded)
    return seen


@pytest.mark.parametrize("name", ["inception", "inception-torchmetrics"])
def test_the_packages_own_unpickling_never_sees_a_foreign_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    e = trusted(tmp_path, {"fc.weight": torch.zeros(2), "more": Foreign()}, name)
    seen = loads(monkeypatch)
    said = refused(inception.load, e)
    assert said.endswith(f"holds more than weights ({__name__}.Foreign); give the weights of {e.label}.")
    assert [weights_only for _, weights_only in seen] == [True]


@pytest.mark.parametrize("name", ["inception", "inception-torchmetrics"])
def test_the_packages_are_given_a_copy_of_what_was_read(
    name: str, inception_weights: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = loads(monkeypatch)
    inception.load(tiny_inception.row(name, *inception_weights))
    (ours, ours_only), (theirs, theirs_only) = seen
    assert ours_only and not theirs_only
    assert isinstance(theirs, io.BytesIO) and theirs is not ours
    theirs.seek(0)
    copied = torch.load(theirs, weights_only=True)
    whole = torch.load(inception_weights[0], weights_only=True)
    assert len(whole) == tiny_inception.ENTRIES and list(copied) == list(whole)
    assert all(torch.equal(copied[k], whole[k]) for k in whole)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([torch.zeros(2)], "no dictionary of weights"),
        (torch.zeros(2), "no dictionary of weights"),
        ({"a": 1}, "no dictionary of weights"),
        ({3: torch.zeros(2)}, "no dictionary of weights"),
        ({"state_dict": {"a": torch.zeros(2)}}, "no dictionary of weights"),
        ({"a": torch.zeros(2), "b": torch.tensor([1, torch.nan])}, "numbers in 'b' that are not finite"),
        ({"a": torch.tensor([1, -torch.inf]).half()}, "numbers in 'a' that are not finite"),
        (b"", "cannot be read"),
        (b"<html>404: not found</html>", "cannot be read"),
        (pickle.dumps({"a": 1}), "cannot be read"),
    ],
    ids=["list", "tensor", "numbers", "keys", "nested", "nan", "inf", "empty", "html", "pickle"],
)
def test_what_is_no_plain_set_of_finite_weights_is_one_sentence(content: Any, says: str, tmp_path: Path) -> None:
    said = refused(weights.read, trusted(tmp_path, content))
    assert says in said and "given.pth" in said and "Inception-2015" in said and said.endswith(".")


def test_any_damage_is_one_sentence(tmp_path: Path) -> None:
    """torch makes a dozen kinds of error of it: 300 files with a few changed bytes, of both formats."""
    import random

    rng = random.Random(0)
    for zipped in (True, False):
        raw = io.BytesIO()
        torch.save(collections.OrderedDict(a=torch.zeros(3, 4), b=torch.ones(2)), raw, _use_new_zipfile_serialization=zipped)
        for _ in range(150):
            damaged = bytearray(raw.getvalue())
            for _ in range(4):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
            try:
                read = weights.read(trusted(tmp_path, bytes(damaged)))
            except ScoreError as error:
                assert "\n" not in str(error)
            else:
                assert all(isinstance(t, torch.Tensor) for t in read.values())


@pytest.mark.parametrize("name", ["inception", "inception-torchmetrics"])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: {}, "Missing key"),
        (lambda t: {k: v for k, v in t.items() if k != "fc.bias"}, 'Missing key.*"fc.bias"'),
        (lambda t: {**t, "more": torch.zeros(2)}, 'Unexpected key.*"more"'),
        (lambda t: {**t, "fc.bias": torch.zeros(7)}, "size mismatch for fc.bias"),
    ],
    ids=["empty", "missing", "more", "shape"],
)
def test_weights_of_another_network_are_one_sentence(
    name: str, change: Any, says: str, inception_weights: tuple[Path, str], tmp_path: Path
) -> None:
    tensors = torch.load(inception_weights[0], weights_only=True, mmap=True)
    e = trusted(tmp_path, change(tensors), name)
    with pytest.raises(ScoreError, match=says) as error:
        inception.load(e)
    said = str(error.value)
    assert "\n" not in said and "given.pth does not fit Inception-2015" in said and said.endswith(".") and len(said) < 500
