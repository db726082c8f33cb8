"""The whole road on tiny real parts: a folder of photos, two trainings as jobs, samples, evaluations, the leaderboard."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import core.cli
import trainers.cli
from core import jobs, leaderboard, metrics, paths


def photos(folder: Path, n: int = 60) -> Path:
    """Small JPEG photos in two class folders: a bright disc on a coloured ground, each one different."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:24, :20]
    for i in range(n):
        kind = ("daisy", "rose")[i % 2]
        (folder / kind).mkdir(parents=True, exist_ok=True)
        image = np.empty((24, 20, 3), np.uint8)
        image[:] = rng.integers(0, 160, 3)
        image[(y - rng.integers(8, 16)) ** 2 + (x - rng.integers(7, 13)) ** 2 < rng.integers(9, 49)] = rng.integers(120, 255, 3)
        Image.fromarray(image).save(folder / kind / f"{i}.jpg", quality=95)
    (folder / "rose" / "broken.jpg").write_bytes(b"\xff\xd8 not a photo")
    return folder


def core_(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    """`python -m core ... --json`, in this process."""
    code = core.cli.main([*argv, "--json"])
    said = capsys.readouterr()
    assert code == 0, said.err
    return json.loads(said.out)


def trainers_(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    """`python -m trainers ... --json`: a job of its own."""
    code = trainers.cli.main([*argv, "--json"])
    said = capsys.readouterr()
    assert code == 0, said.err + "".join(jobs.log(j.id) for j in jobs.every())
    return json.loads(said.out)


def test_from_a_folder_of_photos_to_a_leaderboard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = photos(tmp_path / "photos"), tmp_path / "made"
    core_(capsys, "datasets", "add", str(source), "--name", "photos")
    prepared = core_(capsys, "datasets", "prepare", "photos")
    assert prepared["images"] == 60 and [s["file"] for s in prepared["skipped"]] == ["rose/broken.jpg"]
    assert (prepared["train"], prepared["test"], prepared["val"]) == (48, 6, 6)

    knobs = ("--dataset", "photos")
    vae = trainers_(capsys, "vae", *knobs, "--epochs", "2", "--batch", "16")["model"]
    small = ("--channels", "16-16", "--steps", "6", "--batch", "8", "--check-every", "3", "--warmup", "1")
    ddpm = trainers_(capsys, "ddpm", *knobs, *small)["model"]
    assert {j.state for j in jobs.every("train")} == {"done"}

    drawn = core_(capsys, "sample", ddpm, "--n", "5", "--steps", "5", "--sampler", "ddim", "--out", str(out))
    assert drawn["network_evaluations"] == 5 and len(list(out.glob("*.png"))) == 5

    evaluate = ("--dataset", "photos", "--protocol", "lite0", "--n", "16")
    how = {ddpm: ("--sampler", "ddim", "--steps", "5")}
    scored = [core_(capsys, "evaluate", target, *evaluate, *how.get(target, ())) for target in ("noise", vae, ddpm)]
    assert all(np.isfinite(e["scores"]["kid"]["value"]) and e["scores"]["kid"]["error"] > 0 for e in scored)
    assert len({e["terms"]["kid"]["hash"] for e in scored}) == 1

    before = leaderboard.rows("photos", "lite0")
    assert {r["model"] for r in before} >= {"noise", vae, ddpm, "held-out", "gaussian-pca@photos"}

    # The store is only a cache, and a metric that is added later moves nothing.
    shutil.rmtree(paths.cache() / "store")
    metrics.METRICS["dummy"] = metrics.METRICS["kid"]
    try:
        assert leaderboard.rows("photos", "lite0") == before
    finally:
        del metrics.METRICS["dummy"]
    code = core.cli.main(["leaderboard", "--dataset", "photos", "--format", "csv"])
    table = capsys.readouterr().out.splitlines()
    assert code == 0 and len(table) == len(before) + 1

    again = core_(capsys, "evaluate", "noise", *evaluate)
    assert again["terms"]["kid"]["hash"] == scored[0]["terms"]["kid"]["hash"]
    assert again["scores"]["kid"]["value"] == pytest.approx(scored[0]["scores"]["kid"]["value"], rel=1e-9)
