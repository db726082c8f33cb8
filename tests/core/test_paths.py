from pathlib import Path

import pytest

from core import paths
from core.errors import ConfigError


@pytest.mark.parametrize("name", ["petals", "vae-petals-1", "gaussian-pca@petals", "A.b_c", "x" * 80])
def test_plain_names_pass(name: str) -> None:
    assert paths.check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a\\b", "-x", ".x", "x.", "x" * 81, "a b", "é", "con", "NUL.txt", "a\n", "a:b"]
)
def test_names_that_could_leave_the_folder_or_stumble_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be a"):
        paths.check_name(name)


def test_everything_lies_under_the_cache(cache: Path) -> None:
    places = (paths.store("x"), paths.damaged(), paths.dataset("d"), paths.model("m"), paths.job("j"), paths.results())
    assert all(p.is_relative_to(cache.resolve()) for p in places)


def test_the_default_cache_lies_beside_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUDIO_CACHE")
    assert paths.cache() == paths.PROJECT / "cache"
