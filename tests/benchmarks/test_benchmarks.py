"""The benchmarks run: small, once, and no time is asserted."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import core.cli
from core import paths
from core.cli import bench
from tests.benchmarks import scale
from tests.benchmarks.timing import Row, in_turns

SLOW = pytest.mark.slow  # several Inceptions are opened
NAMES = ["densities", "first_score", "frechet", "leaderboard", "preparation", "sampling", "scale", "second_score", "training"]


@pytest.mark.parametrize("name", [pytest.param(n, marks=SLOW) if n == "first_score" else n for n in NAMES])
def test_each_gives_rows(name: str) -> None:
    rows: Sequence[Row] = bench.script_of(name).measure(quick=True)
    assert rows and all(r.seconds > 0 and r.work and r.beside for r in rows)
    assert all(r.met is not None for r in rows if r.goal)


def test_all_of_them_are_known() -> None:
    assert bench.scripts() == NAMES


def test_sides_take_turns_after_a_warm_round() -> None:
    calls: list[str] = []
    seconds, gave = in_turns([lambda: calls.append("a") or 1, lambda: calls.append("b") or 2], 3)  # type: ignore[func-returns-value]
    assert calls == ["a", "b", "a", "b", "b", "a", "a", "b"] and gave == [1, 2] and len(seconds) == 2


def test_a_row_meets_its_goal_by_ratio_or_by_seconds() -> None:
    assert Row("w", "b", 2.0, 8.0, ">= 4x", least=4).met is True and Row("w", "b", 2.0, 8.0, ">= 5x", least=5).met is False
    assert Row("w", "-", 2.0, None, "< 1 s", most=1).met is False and Row("w", "b", 2.0, 8.0, "").met is None


def test_what_else_a_goal_asks_for_can_fail_it_alone() -> None:
    assert Row("w", "b", 2.0, 8.0, ">= 4x", least=4, also=False).met is False
    assert Row("w", "-", 0.5, None, "< 1 s", most=1, also=False).met is False
    assert Row("w", "b", 2.0, 8.0, "", also=False).met is None


def test_a_larger_set_is_linear_and_flat_beside_the_smallest() -> None:
    seconds = {("near", 1): 1.0, ("near", 4): 4.9, ("near", 16): 20.1}
    peaks = {("near", k): {"own": own << 20, "whole": 200 << 20} for k, own in ((1, 100), (4, 125), (16, 126))}
    one, four, sixteen = (scale.row("near", k, 1000, seconds, peaks) for k in (1, 4, 16))
    assert one.met is None and four.met is True and four.ratio == pytest.approx(4 / 4.9)
    assert sixteen.met is False and "126 MB of its own; main" in sixteen.note and "1.26 times that of 1,000" in sixteen.note
    assert scale.row("near", 16, 1000, {**seconds, ("near", 16): 19.9}, peaks).met is False
    assert scale.row("near", 16, 1000, {**seconds, ("near", 16): 19.9}, dict.fromkeys(peaks, {})).met is True


@pytest.mark.skipif(not (scale.PROC / "status").exists(), reason="the system does not tell of memory")
def test_memory_is_the_greatest_meanwhile_and_counts_children() -> None:
    holds = "import sys; x = bytearray(b'x') * (64 << 20); print(flush=True); sys.stdin.read()"

    def grows() -> None:
        large = np.ones(64 << 20, np.uint8)
        with subprocess.Popen([sys.executable, "-c", holds], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            assert child.stdout and child.stdout.readline()
            time.sleep(0.1)
            assert child.stdin and not child.stdin.close()
        del large

    before = scale.own()
    peak = scale.most_memory(grows)["own"]
    assert 128 << 20 <= peak - before < 180 << 20


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
