"""The house rules, held by reading every import statement, those inside functions included."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("core", "trainers", "pages")

# Each line may import the lines below it, never its own.
LINES = (
    ("Home", "pages"),
    ("core.ui", "core.cli", "trainers"),
    ("core.report", "core.selftest", "core.doses", "core.costs"),
    ("core.sweeps",),
    ("core.leaderboard", "core.importers"),
    ("core.evaluate", "core.compare"),
    ("core.generate", "core.latents", "core.results", "core.survey"),
    ("core.models", "core.jobs"),
    ("core.families", "core.protocols"),
    (
        "core.datasets",
        "core.features",
        "core.metrics",
        "core.sampling",
        "core.pixels",
        "core.figures",
        "core.pictures",
        "core.export",
    ),
    ("core.store", "core.wandb_key", "core.hub_client"),
    ("core.types",),
    ("core.configs",),
    ("core.errors", "core.paths"),
)
LEVEL = {room: len(LINES) - i for i, line in enumerate(LINES) for room in line}
# Exceptions: paths refuses names with the errors; the doors of the two programs.
ALLOWED = {("core.paths", "core.errors"), ("core.__main__", "core.cli"), ("trainers.__main__", "trainers")}
WEB_FREE = ("torch", "torchvision", "lightning", "diffusers")
PAGE_LINES, MODULE_LINES, NOUNS_LINES = 160, 300, 350


def sources() -> list[Path]:
    found = [ROOT / "Home.py", *(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))]
    return [p for p in found if p.is_file()]


def module(path: Path) -> str:
    words = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(words[:-1] if words[-1] == "__init__" else words)


def room(name: str) -> str:
    """core.metrics.kernel -> core.metrics; pages.overview -> pages."""
    words = name.split(".")
    return ".".join(words[:2]) if words[0] == "core" else words[0]


def imports(path: Path) -> set[str]:
    """Every imported module's full name; `from core import x` counts as core.x."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            bare = node.module in ("core", "trainers")
            found |= {f"{node.module}.{a.name}" for a in node.names} if bare else {str(node.module)}
    return found


def breaks(path: Path) -> list[str]:
    here = room(module(path))
    wrong = []
    for name in imports(path):
        there = room(name)
        if name.split(".")[0] not in (*PACKAGES, "Home") or there == here or (here, there) in ALLOWED:
            continue
        assert there in LEVEL, f"{path} imports {name}, a room that the list does not know"
        if LEVEL[there] >= LEVEL.get(here, 0):
            wrong.append(f"{module(path)} imports {name}")
    return wrong


def test_every_import_points_down_the_list() -> None:
    assert [w for p in sources() if module(p) not in ("core", "core.__main__") for w in breaks(p)] == []


def test_every_room_stands_in_the_list() -> None:
    rooms = {room(module(p)) for p in sources()} - {"core", "core.__main__"}
    assert rooms <= set(LEVEL)


def test_an_upward_import_would_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    file = tmp_path / "core" / "metrics" / "bad.py"
    file.parent.mkdir(parents=True)
    file.write_text("def f():\n    from core import jobs\n    from core.results import read\n")
    assert sorted(breaks(file)) == ["core.metrics.bad imports core.jobs", "core.metrics.bad imports core.results"]


def test_only_the_face_imports_streamlit() -> None:
    users = {room(module(p)) for p in sources() if any(n.split(".")[0] == "streamlit" for n in imports(p))}
    assert users <= {"Home", "pages", "core.ui"}


def test_only_jobs_start_processes() -> None:
    users = {module(p) for p in sources() if "subprocess" in imports(p)}
    assert users and all(room(u) == "core.jobs" for u in users)


def test_the_supervisor_needs_the_standard_library_only() -> None:
    names = {n.split(".")[0] for n in imports(ROOT / "core/jobs/supervisor.py")}
    assert names <= set(sys.stdlib_module_names)


def test_metrics_use_numpy_only() -> None:
    outside = {n.split(".")[0] for p in (ROOT / "core/metrics").rglob("*.py") for n in imports(p)}
    assert outside <= set(sys.stdlib_module_names) | {"numpy", "core"}


@pytest.mark.parametrize("path", sources(), ids=module)
def test_files_stay_small(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    # The nouns stay together in one file, however many they are.
    most = NOUNS_LINES if path.name == "types.py" else PAGE_LINES if path.parent.name == "pages" else MODULE_LINES
    assert lines <= most


def test_all_six_pages_leave_the_heavy_libraries_alone(cache: Path) -> None:
    """Seconds and hundreds of MB: the web process opens every page in a fresh Python and must not have imported them."""
    script = f"""
import sys
from streamlit.testing.v1 import AppTest
from core.types import Job
from core.ui import running
# What a page starts would outlive this test.
running.start = running.start_warm = lambda c, title: Job("none", "prepare", title, (), "cancelled", "now")
at = AppTest.from_file({str(ROOT / "core/ui/router.py")!r}, default_timeout=60).run()
for page in sorted({[p.name for p in (ROOT / "pages").glob("*.py")]!r}):
    at.switch_page("../../pages/" + page).run()
    assert not at.exception, (page, at.exception)
print(sorted(set(sys.modules) & set({WEB_FREE!r})))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().splitlines()[-1] == "[]"
    assert len(list((ROOT / "pages").glob("*.py"))) == 6
