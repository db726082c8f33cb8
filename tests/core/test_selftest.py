import json
import os
from pathlib import Path

import numpy as np
import pytest

import core.cli
from core import selftest
from core.metrics import kernel, prdc
from core.selftest import Check, records, scores
from core.selftest.toys import Found


@pytest.fixture(scope="module")
def found() -> tuple[Check, ...]:
    return selftest.checks()


def test_every_check_holds_here(found: tuple[Check, ...]) -> None:
    assert [c for c in found if not c.ok] == [] and len(found) == len(selftest.CHECKS)
    assert selftest.failed(found) == ""


def test_every_check_says_what_it_tests_once(found: tuple[Check, ...]) -> None:
    assert len({c.name for c in found}) == len({c.statement for c in found}) == len(found)


def test_tolerances_are_small_beside_what_is_expected(found: tuple[Check, ...]) -> None:
    """A check that anything would pass is none."""
    for c in found:
        if isinstance(c.expected, float) and c.expected != 0:
            assert c.tolerance <= 0.02 * abs(c.expected), c.name


def test_the_cache_is_left_alone(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "CHECKS", tuple(c for c in selftest.CHECKS if c[1] is records.flipped_bit))
    assert [c.ok for c in selftest.checks()] == [True]
    assert not cache.exists()
    assert os.environ["STUDIO_CACHE"] == str(cache)


def only(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Whole runs take seconds."""
    monkeypatch.setattr(selftest, "CHECKS", tuple(c for c in selftest.CHECKS if c[1].__name__ in names))


def test_a_wrong_kernel_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "kid_brute_force", "fd_scaled")
    right = kernel.similarities
    monkeypatch.setattr(kernel, "similarities", lambda a, b, k: right(a, b, k) * (1 + 1e-9))
    assert [c.ok for c in selftest.checks()] == [True, False]


def test_swapped_sides_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "collapse_precision", "collapse_recall")
    right = prdc.balls
    monkeypatch.setattr(prdc, "balls", lambda fake, real, f, r: right(real, fake, r, f))
    assert [c.ok for c in selftest.checks()] == [False, False]


def test_a_check_that_breaks_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Found:
        raise ValueError("no such library")

    monkeypatch.setattr(selftest, "CHECKS", (("Breaks", broken), ("IS of constant predictions: 1", scores.is_constant)))
    first, second = selftest.checks()
    assert (first.ok, first.found, second.ok) == (False, "ValueError: no such library", True)


def test_a_number_that_is_none_does_not_hold_and_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing() -> Found:
        return 1.0, float("nan"), 1.0

    monkeypatch.setattr(selftest, "CHECKS", (("Nothing", nothing),))
    (check,) = selftest.checks()
    assert not check.ok and check.found == "nan"


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy>=1.26  # numbers\nno-such-thing>=1\nscipy>=99,<100\n")
    monkeypatch.setattr(records.paths, "PROJECT", tmp_path)
    _, said, _ = records.libraries()
    assert str(said).startswith("no-such-thing is missing; scipy is ") and str(said).endswith("needed <100,>=99")


def test_the_command_line_says_that_all_hold(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    only(monkeypatch, "is_constant", "is_refused")
    assert core.cli.main(["selftest", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [(c["name"], c["ok"]) for c in document["checks"]] == [("is constant", True), ("is refused", True)]
    assert document["versions"]["numpy"] == np.__version__ and document["seconds"] > 0
    assert core.cli.main(["selftest"]) == 0
    assert "All 2 checks hold" in capsys.readouterr().out


def test_the_command_line_ends_with_1_and_a_sentence_where_one_does_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong() -> Found:
        return 2.0, 3.0, 0.5

    monkeypatch.setattr(selftest, "CHECKS", (("Two is three", wrong), ("IS of constant predictions: 1", scores.is_constant)))
    assert core.cli.main(["selftest"]) == 1
    said = capsys.readouterr()
    sentence = "1 of 2 checks does not hold on this machine, so its scores cannot be trusted: wrong (expected 2, found 3)."
    assert said.err.strip().splitlines()[-1] == sentence and said.out == ""
    assert "NO" in said.err
