"""W&B: the real client, offline. (Its server cannot be reached from a test; what is sent is in the run's own file.)"""

import secrets
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core import models, paths, wandb_key
from core.errors import ConfigError
from tests.trainers import tiny
from tests.trainers.test_run import photos  # noqa: F401
from trainers import run, wandb_run


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    made = secrets.token_hex(20)
    monkeypatch.setenv(wandb_key.NAME, made)
    return made


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Something that takes connections at WANDB_BASE_URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{listening.getsockname()[1]}")
        yield listening


def test_without_a_key_nothing_is_logged_unless_it_is_asked_for() -> None:
    assert [wandb_run.mode(asked) for asked in ("auto", "off", "offline")] == ["off", "off", "offline"]
    with pytest.raises(ConfigError, match=r"--wandb is online, and a W&B key is absent.*use --wandb=offline"):
        wandb_run.mode("online")


@pytest.mark.usefixtures("key")
def test_with_a_key_the_run_goes_online_where_the_server_answers(server: socket.socket) -> None:
    assert [wandb_run.mode(asked) for asked in ("auto", "online", "off")] == ["online", "online", "off"]
    server.close()
    assert wandb_run.mode("auto") == "offline"


def test_a_run_holds_curve_samples_and_the_model_and_no_key_is_written(
    photos: str,  # noqa: F811
    key: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("trainers.watch.EVERY", 0.0)
    folder = tmp_path / "20260101-000000-train-aaaaaa"
    card = run.train(replace(tiny.DDPM, wandb="offline", wandb_project="mine", name="w"), folder, tiny.listener()[1])
    assert card is not None and models.card("w") == card
    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    said = file.read_bytes()
    assert f"run-{folder.name}-s0.wandb" == file.name
    for part in (b"mine", b"val_loss", b"loss", b"images_per_second", f"model-{folder.name}-s0".encode(), b"learning_rate"):
        assert part in said, part
    assert list(folder.glob("wandb/offline-run-*/files/media/images/samples_*.png"))
    written = [p for root in (tmp_path, paths.cache()) for p in root.rglob("*") if p.is_file()]
    assert [p for p in written if key.encode() in p.read_bytes()] == []
    # W&B's own account of the machine: name, user, paths, programs.
    assert not list(folder.rglob("wandb-metadata.json"))


def test_a_training_that_fails_ends_its_run_and_the_next_begins_its_own(photos: str, tmp_path: Path) -> None:  # noqa: F811
    bad = replace(tiny.VAE, learning_rate=10.0, weight_decay=10.0, epochs=20, wandb="offline")
    with pytest.raises(ConfigError, match="no longer a finite number"):
        run.train(bad, tmp_path / "bad", tiny.listener()[1])
    run.train_each(replace(tiny.VAE, wandb="offline", seeds=2), tmp_path / "good", tiny.listener()[1])
    assert len(list(tmp_path.glob("bad/wandb/offline-run-*"))) == 1
    assert {p.name.rsplit("-", 1)[1] for p in tmp_path.glob("good/wandb/offline-run-*")} == {"s0", "s1"}


@pytest.mark.parametrize(
    ("text", "found"),
    [("{name}={key}\n", True), ("# x\nexport {name}='{key}'\n", True), ('{name}="{key}"', True), ("OTHER={key}\n", False)],
)
def test_the_key_may_lie_in_the_env_file_of_the_project(
    text: str, found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    made = secrets.token_hex(20)
    (tmp_path / ".env").write_text(text.format(name=wandb_key.NAME, key=made))
    assert (wandb_key.find()[0] == made) is found
    (tmp_path / ".env").unlink()
    (tmp_path / ".streamlit").mkdir()
    (tmp_path / ".streamlit" / "secrets.toml").write_text(f'{wandb_key.NAME} = "{made}"\n')
    assert wandb_key.find() == (made, f"present in {tmp_path / '.streamlit' / 'secrets.toml'}")
    (tmp_path / ".streamlit" / "secrets.toml").write_text(f"{wandb_key.NAME} = {made} {made}\n")
    assert wandb_key.find()[0] == "" and made not in wandb_key.find()[1]
