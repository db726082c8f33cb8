"""Evaluations carried to another machine, and everything that a file from elsewhere may try."""

import io
import json
import pickle
import random
import re
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import paths, results
from core.errors import ConfigError, ScoreError, StoreError
from core.protocols import PROTOCOLS
from core.results import bundles
from core.types import Evaluation, Score, Terms, canonical
from tests.core.toy_evaluations import draw, evaluation, real

Members = dict[str, bytes]


@pytest.fixture
def moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Another machine: the same program over another cache."""
    return lambda name: monkeypatch.setenv("STUDIO_CACHE", str(tmp_path / name))


@pytest.fixture
def here() -> list[Evaluation]:
    """Three evaluations on record, the last of held-out images with a refusal and an interval."""
    ref = real(50)
    results.record(evaluation("m", draw(40, 1, 1.3), ref, matched=20))
    results.record(evaluation("k", draw(40, 2), ref))
    e = evaluation("held-out", draw(20, 3), ref, seed=None, kind="yardstick", metrics=("kid",))
    kid = replace(e.scores["kid"], interval=(-0.1, 1 / 3), influence_real=None)
    refused = {"fd": "FD needs at least 1280 images; there are 20: KID stands."}
    results.record(replace(e, scores={"kid": kid}, refused=refused, command=""))
    return results.read(influences=True)


@pytest.fixture
def file(here: list[Evaluation], tmp_path: Path) -> Path:
    results.bundle(here, tmp_path / "lab-a.zip")
    return tmp_path / "lab-a.zip"


def members(file: Path) -> Members:
    with zipfile.ZipFile(file) as z:
        return {i.filename: z.read(i) for i in z.infolist()}


def write(file: Path, held: Members, *, true_sums: bool = True, packing: int = zipfile.ZIP_STORED) -> None:
    """A bundle of these members; with true sums its manifest is made right for them."""
    if true_sums:
        manifest = json.loads(held["manifest.json"])
        manifest["sha256"] = {k: sha256(v).hexdigest() for k, v in held.items() if k != "manifest.json"}
        held = held | {"manifest.json": canonical(manifest).encode()}
    with zipfile.ZipFile(file, "w") as z:
        for name, raw in held.items():
            z.writestr(zipfile.ZipInfo(name), raw, packing)


def npy(values: np.ndarray, **options: Any) -> bytes:
    raw = io.BytesIO()
    np.save(raw, values, **options)
    return raw.getvalue()


def refused(file: Path, why: str, then: str = "export the evaluations again") -> None:
    """The file is refused for this reason in one sentence, and nothing of it is on record."""
    with pytest.raises(ScoreError, match=f"^Nothing of .*{file.name} was imported: .*{why}.*; {then}") as caught:
        results.unbundle(file)
    assert "\n" not in str(caught.value)
    assert results.read() == []


def same(a: Score, b: Score) -> bool:
    plain = all(getattr(a, f.name) == getattr(b, f.name) for f in fields(Score) if not f.name.startswith("influence"))
    sides = [(a.influence_fake, b.influence_fake), (a.influence_real, b.influence_real)]
    return plain and all((x is None and y is None) or np.array_equal(x, y) for x, y in sides)  # type: ignore[arg-type]


def test_another_machine_gets_every_bit(here: list[Evaluation], file: Path, moved: Callable[[str], None]) -> None:
    moved("b")
    results.record(replace(here[0], subject="own"))
    assert results.unbundle(file) == (3, 0)
    found = results.read(influences=True)
    assert len(found) == 4
    for was, now in zip(here, [e for e in found if e.origin], strict=True):
        assert now.origin == "lab-a"
        for name in {f.name for f in fields(Evaluation)} - {"scores", "id", "origin"}:
            assert getattr(now, name) == getattr(was, name), name
        assert list(now.scores) == list(was.scores) and all(same(now.scores[r], s) for r, s in was.scores.items())


def test_what_is_known_is_not_added_again(here: list[Evaluation], file: Path, moved: Callable[[str], None]) -> None:
    assert results.unbundle(file) == (0, 3)
    moved("b")
    assert results.unbundle(file) == (3, 0)
    renamed = file.with_name("other-name.zip")
    shutil.copy(file, renamed)
    assert results.unbundle(renamed) == (0, 3)
    results.bundle(results.read()[:2], file.with_name("back.zip"))
    moved("cache")
    assert results.unbundle(file.with_name("back.zip")) == (0, 3 - 1)
    assert [e.origin for e in results.read()] == ["", "", ""]


def test_a_bundle_of_more_adds_what_is_new(here: list[Evaluation], file: Path, moved: Callable[[str], None]) -> None:
    moved("b")
    results.unbundle(file)
    moved("cache")
    results.record(evaluation("new", draw(40, 7), real(50)))
    results.bundle(results.read(), file.with_name("more.zip"))
    moved("b")
    assert results.unbundle(file.with_name("more.zip")) == (1, 3)
    assert [e.subject for e in results.read()][-1] == "new"


def test_rows_keep_their_place_in_time(here: list[Evaluation], file: Path, moved: Callable[[str], None]) -> None:
    """An old row that is imported today is not the newest."""
    held = members(file)
    text = re.sub(rb'"created_at":"20..', b'"created_at":"2001', held["evaluations.json"])
    write(file, held | {"evaluations.json": text})
    moved("b")
    results.record(evaluation("today", draw(40, 5), real(50)))
    assert results.unbundle(file) == (3, 0)
    assert [e.subject for e in results.read()] == ["m", "k", "held-out", "today"]
    assert [e.created_at[:4] for e in results.read()][:3] == ["2001"] * 3


def test_equal_rows_make_equal_files(here: list[Evaluation], file: Path) -> None:
    results.bundle(results.read(), file.with_name("again.zip"))
    assert file.with_name("again.zip").read_bytes() == file.read_bytes()


def test_nothing_to_export_a_taken_name_and_a_missing_folder_are_told(here: list[Evaluation], file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(ScoreError, match="no evaluation to export"):
        results.bundle([], file.with_name("x.zip"))
    for path, why in (
        (file, "exists already"),
        (file.with_name("x.png"), "is no .zip"),
        (file.parent / "no" / "x.zip", "cannot be"),
    ):
        with pytest.raises(ConfigError, match=why):
            results.bundle(here, path)
    assert file.read_bytes() == before and [p.name for p in file.parent.glob("*.zip")] == ["lab-a.zip"]
    assert not list(file.parent.glob(".*.part"))


def test_a_failed_export_leaves_no_file(here: list[Evaluation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*a: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundles.os, "replace", full)
    with pytest.raises(ConfigError, match="No space left"):
        results.bundle(here, tmp_path / "x.zip")
    assert not list(tmp_path.glob("*x.zip*"))


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 and no more", b"text" * 99])
def test_what_is_no_bundle_is_told(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "x.zip"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ScoreError, match="cannot be read|was imported"):
        results.unbundle(file)
    with pytest.raises(ScoreError, match="cannot be read"):
        results.unbundle(tmp_path)


def test_another_zip_is_no_bundle(tmp_path: Path) -> None:
    for held, why in (
        ({"notes.txt": b"x"}, "'notes.txt'"),
        ({}, "manifest.json is missing"),
        ({"manifest.json": b"{}"}, "no bundle"),
    ):
        write(tmp_path / "x.zip", held, true_sums=False)
        refused(tmp_path / "x.zip", why)


def test_any_flipped_bit_is_found(here: list[Evaluation], file: Path, moved: Callable[[str], None]) -> None:
    """Bits all over the file: with one of them changed it is refused, or (a date of the zip, say) gives the very same rows."""
    raw, rng, refusals = file.read_bytes(), random.Random(0), 0
    for at in rng.sample(range(len(raw)), 200):
        moved(f"b{at}")
        file.write_bytes(raw[:at] + bytes([raw[at] ^ 1 << rng.randrange(8)]) + raw[at + 1 :])
        try:
            assert results.unbundle(file) == (3, 0)
        except ScoreError:
            refusals += 1
            assert results.last_id() == 0
        else:
            found = results.read(influences=True)
            assert all(same(a.scores[r], s) for a, b in zip(here, found, strict=True) for r, s in b.scores.items())
    assert refusals > 150


def test_a_truncated_file_is_refused(file: Path, moved: Callable[[str], None]) -> None:
    moved("b")
    raw = file.read_bytes()
    for share in (0.1, 0.5, 0.9, 0.999):
        file.write_bytes(raw[: int(len(raw) * share)])
        refused(file, "")


def test_a_changed_member_without_its_checksum_is_refused(file: Path, moved: Callable[[str], None]) -> None:
    moved("b")
    held = members(file)
    held["evaluations.json"] = held["evaluations.json"].replace(b'"subject":"m"', b'"subject":"w"')
    write(file, held, true_sums=False)
    refused(file, "evaluations.json does not have its checksum")


@pytest.mark.parametrize(
    "name",
    [
        "../../evil.npy",
        "/etc/passwd",
        "influences/../../x-kid-fake.npy",
        "influences/0-kid-fake.npy/",
        "C:\\x",
        "run.py",
        "x" * 300,
    ],
)
def test_hostile_names_are_refused(name: str, file: Path, moved: Callable[[str], None]) -> None:
    moved("b")
    before = sorted(p for p in file.parent.rglob("*"))
    write(file, members(file) | {name: b"x"})
    refused(file, "which no bundle does")
    assert [p for p in sorted(file.parent.rglob("*")) if "/b" not in str(p)] == [p for p in before if "/b" not in str(p)]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_refused(file: Path, moved: Callable[[str], None]) -> None:
    moved("b")
    with zipfile.ZipFile(file, "a") as z:
        z.writestr("terms.json", b"{}")
    refused(file, "stands in it twice")


@pytest.mark.parametrize(("name", "size"), [("influences/0-kid-fake.npy", 4 << 20), ("terms.json", 2 << 20)])
def test_bombs_are_refused_before_they_are_unpacked(
    name: str, size: int, file: Path, moved: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    moved("b")
    write(file, members(file) | {name: bytes(size)}, packing=zipfile.ZIP_DEFLATED)
    assert file.stat().st_size < size / 10
    monkeypatch.setattr(bundles, "MOST_JSON", 1 << 20)
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    refused(file, "is larger unpacked")


@pytest.mark.parametrize("packing", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_members_packed_otherwise_are_refused_before_they_are_unpacked(
    packing: int, file: Path, moved: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    moved("b")
    write(file, members(file), packing=packing)
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    refused(file, "packed in a way that no bundle uses")


@pytest.mark.parametrize("packing", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_an_unknown_packing_whose_data_are_broken_is_one_sentence(packing: int, file: Path, moved: Callable[[str], None]) -> None:
    """LZMA with properties that do not exist ended in an error of its own."""
    moved("b")
    write(file, members(file))
    raw = file.read_bytes()
    with zipfile.ZipFile(file) as z:
        info = z.getinfo("manifest.json")
    # Its method stands in the local header and in the directory; the data become nonsense by that.
    directory = raw.rindex(b"PK\x01\x02", 0, raw.rindex(b"manifest.json"))
    for at in (info.header_offset + 8, directory + 10):
        raw = raw[:at] + packing.to_bytes(2, "little") + raw[at + 2 :]
    file.write_bytes(raw)
    refused(file, "manifest.json is packed in a way that no bundle uses")


def test_deflated_bytes_that_are_damaged_are_one_sentence(file: Path, moved: Callable[[str], None]) -> None:
    moved("b")
    with zipfile.ZipFile(file) as z:
        info = z.getinfo("evaluations.json")
        assert info.compress_type == zipfile.ZIP_DEFLATED
    raw, at = file.read_bytes(), info.header_offset + 30 + len(info.filename)
    file.write_bytes(raw[:at] + b"\xff" * 20 + raw[at + 20 :])
    refused(file, "while decompressing data")


def test_members_that_share_their_bytes_are_refused(file: Path, moved: Callable[[str], None]) -> None:
    """The overlapping bomb: many names in the directory for one stretch of the file."""
    moved("b")
    with zipfile.ZipFile(file, "a") as z:
        first = z.getinfo("influences/0-fd-real.npy")
        for i in range(500):
            again = zipfile.ZipInfo(f"influences/{i + 10}-fd-real.npy")
            for field in ("header_offset", "CRC", "compress_size", "file_size"):
                setattr(again, field, getattr(first, field))
            z.filelist.append(again)
            z.NameToInfo[again.filename] = again
        z._didModify = True  # type: ignore[attr-defined]
    refused(file, "members are larger than itself")


@pytest.mark.parametrize(
    ("vector", "why"),
    [
        (npy(np.array([{"a": 1}] * 40, dtype=object), allow_pickle=True), "holds object"),
        (pickle.dumps(np.zeros(40, np.float32)), "magic string"),
        (npy(np.zeros(39, "<f4")), r"\(39,\), needed: float32 \(40,\)"),
        (npy(np.zeros((40, 1), "<f4")), r"\(40, 1\)"),
        (npy(np.zeros(40)), "float64"),
        (npy(np.zeros(40, ">f4")), "needed: float32"),
        (npy(np.full(40, np.nan, "<f4")), "40 finite numbers"),
        (npy(np.zeros(40, "<f4"))[:-4], "40 finite numbers"),
        (npy(np.zeros(40, "<f4")) + bytes(4), "40 finite numbers"),
        (npy(np.zeros(40, "<f4")).replace(b"(40,)", b"(9e9,)"), ""),
        (b"", ""),
    ],
)
def test_influences_of_another_kind_are_refused(vector: bytes, why: str, file: Path, moved: Callable[[str], None]) -> None:
    moved("b")
    write(file, members(file) | {"influences/1-kid-fake.npy": vector})
    refused(file, why)


def test_influences_of_no_score_are_refused(file: Path, moved: Callable[[str], None]) -> None:
    moved("b")
    write(file, members(file) | {"influences/9-kid-fake.npy": npy(np.zeros(40, "<f4"))})
    refused(file, "influences of no score")


def test_terms_must_have_their_hash(file: Path, moved: Callable[[str], None]) -> None:
    moved("b")
    held = members(file)
    write(file, held | {"terms.json": held["terms.json"].replace(b'"resize":"bilinear"', b'"resize":"bicubic"', 1)})
    refused(file, "Terms do not have their hash")


def test_a_newer_format_is_named(file: Path, moved: Callable[[str], None]) -> None:
    moved("b")
    held = members(file)
    write(file, held | {"manifest.json": held["manifest.json"].replace(b'"version":1', b'"version":2')})
    refused(file, "format 2, known here: 1", "import it with the version that wrote it")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"value":', '"value":1e999,"x":', "lacks fields"),
        ('"role":"kid"', '"role":"fd"', "two scores of one role"),
        ('"band":"', '"band":"\\u0007', "no right band"),
        ('"seconds":1.5', '"seconds":1e999', "for a number"),
        ('"seconds":1.5', '"seconds":NaN', "holds NaN"),
        ('"seconds":1.5', '"seconds":-1.5', "for a number"),
        ('"seconds":1.5', '"seconds":true', "for a number"),
        ('"seconds":1.5', '"seconds":' + "9" * 400, ""),
        ('"seconds":1.5', '"seconds":1.5,"more":1', "lacks fields"),
        ('"kind":"model"', '"kind":"king"', "no known kind"),
        ('"subject":"m"', '"subject":"\\u001b[2J"', "no printable text"),
        ('"subject":"m"', '"subject":["m"]', "no printable text"),
        ('"subject":"m"', '"subject":"\\ud800"', "no printable text"),
        ('"network_evaluations":50', '"network_evaluations":' + "9" * 30, "no right cost"),
        ('"eta":0.0', '"eta":7.0', "eta is 7.0"),
        ('"sample":null', '"sample":[]', "no right sample"),
        ('"sampler":""', '"sampler":"\\n"', "no printable text"),
        ('"refused":{}', '"refused":{"fd":1}', "no printable text"),
        ('"versions":{', '"versions":[],"x":{', "lacks fields"),
        ("evaluate m ", "evaluate m; rm -rf ~ ", "date or command"),
        ("evaluate m ", "evaluate $(id) ", "date or command"),
        ("core evaluate m ", "core models delete m ", "date or command"),
        ('"created_at":"2', '"created_at":"yesterday 2', "date or command"),
        ('"role":"kid"', '"role":"../kid"', "is called"),
        ('"role":"kid"', '"role":"precision"', "Terms of another metric for precision"),
        ('"n":40', '"n":41', "has two numbers of images"),
        ('"model":"m"', '"model":"k"', "has the images of another model"),
        ('"created_at":"2', '"created_at":"9', "evaluation of 'm' is of the future"),
        ('"seconds":1.5', '"seconds":1e31', "evaluation of 'm' has '1e.31' for a number"),
        ('"seconds":1.5', '"seconds":' + "9" * 31, "for a number"),
        ("[", "[" * 200_000, ""),
    ],
)
def test_an_evaluation_with_a_wrong_field_is_refused(
    old: str, new: str, why: str, file: Path, moved: Callable[[str], None]
) -> None:
    moved("b")
    held = members(file)
    text = held["evaluations.json"].decode()
    assert old in text
    write(file, held | {"evaluations.json": text.replace(old, new, 1).encode()})
    refused(file, why)


@pytest.mark.parametrize("days", [-1, 0.5])
def test_clocks_may_differ_by_a_day(days: float, file: Path, moved: Callable[[str], None]) -> None:
    moved("b")
    then = (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")
    changed(file, lambda d, terms: d[0].update(created_at=then))
    assert results.unbundle(file) == (3, 0)


def changed(file: Path, change: Callable[[list[Any], dict[str, Any]], object]) -> None:
    """The bundle with its evaluations and Terms changed; every checksum and hash in it is right."""
    held = members(file)
    documents, terms = json.loads(held["evaluations.json"]), json.loads(held["terms.json"])
    change(documents, terms)
    new = {h: Terms(**body).hash for h, body in terms.items()}
    for d in documents:
        for s in d["scores"]:
            s["terms"] = new[s["terms"]]
    texts = {"evaluations.json": documents, "terms.json": {new[h]: body for h, body in terms.items()}}
    write(file, held | {name: canonical(value).encode() for name, value in texts.items()})


def of_role(role: str, /, **change: Any) -> Callable[[list[Any], dict[str, Any]], None]:
    """Changes the Terms of the first evaluation's score."""
    return lambda d, terms: terms[next(s["terms"] for s in d[0]["scores"] if s["role"] == role)].update(change)


def of_score(role: str, /, **change: Any) -> Callable[[list[Any], dict[str, Any]], None]:
    return lambda d, terms: next(s for s in d[0]["scores"] if s["role"] == role).update(change)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (of_role("kid", metric="evil"), "evaluation of 'm' has Terms of another metric for kid"),
        (of_role("kid_matched", metric="fd"), "evaluation of 'm' has Terms of another metric for kid_matched"),
        (of_role("kid", extractor="inception"), "evaluation of 'm' has Terms of another extractor for kid"),
        (of_role("fd", reference="petals"), "evaluation of 'm' has Terms of another data set for fd"),
        (of_role("fd", n_fake=39), "evaluation of 'm' has two numbers of images"),
        (of_role("kid_matched", n_fake=41), "evaluation of 'm' has two numbers of images"),
        (lambda d, t: d[0].update(sample=None) or of_role("fd", n_fake=39)(d, t), "'m' has two numbers of images"),
        (lambda d, t: d[0].update(dataset="petals"), "evaluation of 'm' has Terms of another data set for kid"),
        (of_score("kid", value=1e308), "evaluation of 'm' has '1e.308' for a number"),
        (of_score("kid", value=-1e31), "evaluation of 'm' has '-1e.31' for a number"),
        (of_score("kid", error=1e308), "evaluation of 'm' has '1e.308' for a number"),
        (of_score("kid", interval=[0.0, 1e308]), "evaluation of 'm' has '1e.308' for a number"),
        (of_score("kid", interval=[1.0, 0.5]), "evaluation of 'm' has no right interval of kid"),
    ],
)
def test_an_evaluation_whose_parts_contradict_each_other_is_refused(
    change: Callable[[list[Any], dict[str, Any]], None], why: str, file: Path, moved: Callable[[str], None]
) -> None:
    moved("b")
    changed(file, change)
    refused(file, why)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda d, t: d[1].update(protocol="mine"),
            "evaluation of 'k' has the protocol 'mine', which this version does not know",
        ),
        (of_score("kid", role="clever"), "evaluation of 'm' has a score 'clever', which this version does not know under lite0"),
        (of_score("fd", role="fid"), "'fid', which this version does not know under lite0"),
        (lambda d, t: d[2].update(refused={"clever": "Too few."}), "evaluation of 'held-out' has a score 'clever', which"),
    ],
)
def test_what_a_newer_version_may_have_written_says_so(
    change: Callable[[list[Any], dict[str, Any]], None], why: str, file: Path, moved: Callable[[str], None]
) -> None:
    moved("b")
    changed(file, change)
    refused(file, why, "import it with the version that wrote it or a newer one")


def test_rules_that_changed_since_and_metrics_that_were_not_there_yet_are_fine(
    here: list[Evaluation], file: Path, moved: Callable[[str], None]
) -> None:
    """The Terms keep the parameters that the numbers were computed by; the older version knew fewer metrics."""
    moved("b")
    changed(file, of_role("fd", params={"estimator": "of yore"}, layer="pool, old"))
    assert set(here[0].scores) < {rule.key for rule in PROTOCOLS["lite0"].metrics} | {"kid_matched"}
    assert results.unbundle(file) == (3, 0)
    assert results.read()[0].scores["fd"].terms.params == {"estimator": "of yore"}


def damaged(value: Any, rng: random.Random) -> Any:
    """The document with one random spot of it replaced by something else of JSON's."""
    strange = [None, True, -1, 0, 2**70, 1e300, "", "x", "\x00", [], {}, [None], {"a": 1}]
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        return {**value, key: damaged(value[key], rng)} if rng.random() < 0.9 else {k: v for k, v in value.items() if k != key}
    if isinstance(value, list) and value and rng.random() < 0.9:
        i = rng.randrange(len(value))
        return [*value[:i], damaged(value[i], rng), *value[i + 1 :]]
    return rng.choice(strange)


def test_no_damaged_document_ends_in_a_traceback(file: Path, moved: Callable[[str], None]) -> None:
    """300 random damages: each is one sentence, or a row that can be read again."""
    held, rng = members(file), random.Random(1)
    taken = 0
    for k in range(300):
        moved(f"b{taken}")
        name = rng.choice(["evaluations.json", "terms.json", "manifest.json"])
        write(file, held | {name: canonical(damaged(json.loads(held[name]), rng)).encode()}, true_sums=name != "manifest.json")
        try:
            results.unbundle(file)
            taken += 1
            results.read(influences=True)
        except ScoreError as e:
            assert str(e).startswith("Nothing of"), k
            assert results.last_id() == 0
    assert 0 < taken < 300


def test_a_file_that_breaks_late_adds_nothing(file: Path, moved: Callable[[str], None]) -> None:
    """The last evaluation's influences are wrong: the first two, inserted by then, are gone again."""
    moved("b")
    write(file, members(file) | {"influences/2-kid-fake.npy": npy(np.zeros(3, "<f4"))})
    refused(file, "influences/2-kid-fake.npy")


def test_an_unusable_database_is_told_as_such(file: Path, moved: Callable[[str], None]) -> None:
    moved("b")
    results.last_id()
    paths.results().parent.mkdir(parents=True, exist_ok=True)
    sqlite3.connect(paths.results()).close()
    paths.results().write_text("no database" * 200)
    with pytest.raises(StoreError, match="studio.sqlite cannot be used"):
        results.unbundle(file)
