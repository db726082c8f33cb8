"""The benchmarks run: small, once, and no time is asserted."""

from collections.abc import Sequence
from pathlib import Path

import pytest

import core.cli
from core import paths
from core.cli import bench
from tests.benchmarks.timing import Row, in_turns

SLOW = pytest.mark.slow  # several Inceptions are opened


@pytest.mark.parametrize("name", ["frechet", "leaderboard", "second_score", "training", pytest.param("first_score", marks=SLOW)])
def test_each_gives_rows(name: str) -> None:
    rows: Sequence[Row] = bench.script_of(name).measure(quick=True)
    assert rows and all(r.seconds > 0 and r.work and r.beside for r in rows)
    assert all(r.met is not None for r in rows if r.goal)


def test_all_of_them_are_known() -> None:
    assert bench.scripts() == ["first_score", "frechet", "leaderboard", "second_score", "training"]


def test_sides_take_turns_after_a_warm_round() -> None:
    calls: list[str] = []
    seconds, gave = in_turns([lambda: calls.append("a") or 1, lambda: calls.append("b") or 2], 3)  # type: ignore[func-returns-value]
    assert calls == ["a", "b", "a", "b", "b", "a", "a", "b"] and gave == [1, 2] and len(seconds) == 2


def test_a_row_meets_its_goal_by_ratio_or_by_seconds() -> None:
    assert Row("w", "b", 2.0, 8.0, ">= 4x", least=4).met is True and Row("w", "b", 2.0, 8.0, ">= 5x", least=5).met is False
    assert Row("w", "-", 2.0, None, "< 1 s", most=1).met is False and Row("w", "b", 2.0, 8.0, "").met is None


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Row]]:
    """Two benchmarks that measure nothing."""

    class Script:
        """What it does."""

        def __init__(self, name: str) -> None:
            self.name = name

        def measure(self, quick: bool) -> list[Row]:
            return found[self.name]

    found = {"one": [Row("sum", "theirs", 0.25, 1.0, ">= 2x", least=2, note="Equal.")], "two": [Row("rows", "-", 2.0, None, "")]}
    monkeypatch.setattr(bench, "scripts", lambda: sorted(found))
    monkeypatch.setattr(bench, "script_of", Script)
    return found


def test_the_page_has_a_table_each_and_one_can_be_measured_again(
    two: dict[str, list[Row]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "docs" / "page.md"
    assert core.cli.main(["bench", "--out", str(out)]) == 0
    page = out.read_text()
    assert page.startswith("# Benchmarks") and "## one\n\nWhat it does." in page and "## two\n" in page
    assert "| sum | theirs | 4x | 250 ms | 1 s | >= 2x | yes |" in page and "sum: Equal." in page and " cores (" in page
    assert str(paths.PROJECT) not in page and str(tmp_path) not in page
    two["one"] = [Row("sum", "theirs", 1.0, 1.0, ">= 2x", least=2)]
    two["two"] = []
    assert core.cli.main(["bench", "--only", "one", "--out", str(out)]) == 0
    again = out.read_text()
    assert "| sum | theirs | 1x | 1 s | 1 s | >= 2x | **no** |" in again and "| rows | - |  | 2 s |  |  |  |" in again
    assert again.count("# Benchmarks") == 1 and again.count("## one") == again.count("## two") == 1


def test_quick_writes_nothing(two: dict[str, list[Row]], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "page.md"
    assert core.cli.main(["bench", "--quick", "--out", str(out)]) == 0
    assert not out.exists() and "theirs" in capsys.readouterr().out


def test_an_unknown_benchmark_a_place_that_cannot_be_and_an_installed_copy_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setattr(bench, "script_of", None)
    cases = (
        [["--only", "speed"], "no benchmark named 'speed'"],
        [["--out", str(tmp_path / "file" / "x.md")], "cannot be written"],
    )
    for argv, why in cases:
        assert core.cli.main(["bench", *argv]) == 1
        assert why in capsys.readouterr().err
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    assert core.cli.main(["bench"]) == 1
    assert "run this in a checkout" in capsys.readouterr().err
