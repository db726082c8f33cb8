"""Weights on the command line: fetched only when asked, added from a file, listed, named by the doctor, used by evaluations."""

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import core.cli
from core import paths
from core.features import EXTRACTORS, weights
from core.features.table import INCEPTION, LITE0
from tests.core import tiny_inception

CONTENT = b"small weights that a test serves" * 5000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NAME = INCEPTION.names[0]


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights, no W&B key and no proxy on this machine."""
    for name in ("STUDIO_INCEPTION_WEIGHTS", "TORCH_HOME", "XDG_CACHE_HOME", "WANDB_API_KEY", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "*")


Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def served() -> Iterator[Callable[[Answer], str]]:
    """Starts a server of this machine that answers so; gives the address of a file on it."""
    servers = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                # The client may have hung up.
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/{NAME}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def sends(content: bytes, length: int | None = -1, status: int = 200) -> Answer:
    """`length`: what the header says, None for no header, -1 for the truth."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        if length is not None:
            request.send_header("Content-Length", str(len(content) if length < 0 else length))
        request.end_headers()
        request.wfile.write(content)

    return answer


def sends_without_end(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b"x" * 65536)


def hangs_up(request: BaseHTTPRequestHandler) -> None:
    request.connection.close()


def breaks_off_a_chunk(request: BaseHTTPRequestHandler) -> None:
    request.protocol_version = "HTTP/1.1"
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    request.wfile.write(b"FFFF\r\nhalf")


def left() -> list[str]:
    return sorted(p.name for p in paths.weights().iterdir()) if paths.weights().is_dir() else []


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def said(*argv: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = core.cli.main(argv)
        out, err = capsys.readouterr()
        return code, out, err

    return said


def sentence(err: str) -> str:
    """The last line of what was said: the sentence. The lines before are progress."""
    lines = err.splitlines()
    assert all("fetching" in line for line in lines[:-1]), err
    return lines[-1]


# --------------------------------------------------------------------------------------------------------------- get


def test_get_downloads_verifies_and_keeps_the_file(served: Any, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        sends(CONTENT)(request)

    tiny_inception.install(monkeypatch, len(CONTENT), SHA256, served(answer))
    code, out, err = run("weights", "get", "inception", "--json")
    assert code == 0 and json.loads(out) == {"name": "inception", "file": str(paths.weights() / NAME)}
    assert f"{len(CONTENT)}/{len(CONTENT)} fetching {NAME}" in err
    assert (paths.weights() / NAME).read_bytes() == CONTENT and left() == [NAME]
    assert run("weights", "get", "inception-torchmetrics")[0] == 0 and asked == [f"/{NAME}"], "it is there already"


def test_get_without_a_length_in_the_answer_works_too(served: Any, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_inception.install(monkeypatch, len(CONTENT), SHA256, served(sends(CONTENT, None)))
    assert run("weights", "get", "inception")[0] == 0 and left() == [NAME]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (sends(CONTENT[:-1] + b"!"), "sent something else than the weights of Inception-2015 (its sha256 is"),
        (sends(CONTENT[:-7]), f"it has {len(CONTENT) - 7:,} bytes, needed: {len(CONTENT):,}"),
        (sends(CONTENT[:-7], len(CONTENT)), f"it has {len(CONTENT) - 7:,} bytes, needed: {len(CONTENT):,}"),
        (sends(CONTENT + b"more"), "bytes, needed"),
        (sends(b""), "it has 0 bytes"),
        (sends_without_end, "bytes, needed"),
        (sends(b"no such file", status=404), "cannot be fetched (Not Found)"),
        (sends(b"", status=500), "cannot be fetched (Internal Server Error)"),
        (hangs_up, "cannot be fetched"),
        (breaks_off_a_chunk, "cannot be fetched"),
    ],
    ids=["other", "short", "broken off", "long", "empty", "endless", "404", "500", "hangs up", "chunk"],
)
def test_a_download_that_fails_is_one_sentence_and_leaves_nothing(
    answer: Answer, says: str, served: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "PIECE", 65536)
    tiny_inception.install(monkeypatch, len(CONTENT), SHA256, served(answer))
    code, out, err = run("weights", "get", "inception")
    said = sentence(err)
    assert code == 1 and out == "" and says in said
    assert said.startswith("http://127.0.0.1:") and "python -m core weights add FILE" in said
    assert left() == []


def test_an_endless_answer_is_cut_off_at_the_file_s_size(served: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(weights, "PIECE", 65536)
    tiny_inception.install(monkeypatch, len(CONTENT), SHA256, served(sends_without_end))
    w = EXTRACTORS["inception"].weights
    assert w is not None
    weights._download(w, tmp_path / "part", lambda *_: None)
    assert len(CONTENT) < (tmp_path / "part").stat().st_size <= len(CONTENT) + 65536


def test_a_server_that_does_not_answer_is_given_up(served: Any, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "TIMEOUT", 0.3)
    asleep = threading.Event()
    tiny_inception.install(monkeypatch, len(CONTENT), SHA256, served(lambda request: asleep.wait(20) and None))
    try:
        code, _, err = run("weights", "get", "inception")
    finally:
        asleep.set()
    assert code == 1 and "timed out" in sentence(err) and left() == []


def test_no_server_is_one_sentence(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_inception.install(monkeypatch, len(CONTENT), SHA256, "http://127.0.0.1:9/nothing")
    code, out, err = run("weights", "get", "inception")
    assert code == 1 and "http://127.0.0.1:9/nothing cannot be fetched" in sentence(err) and left() == []


def test_an_interrupted_download_leaves_nothing(served: Any, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    tiny_inception.install(monkeypatch, len(CONTENT), SHA256, served(sends(CONTENT)))
    monkeypatch.setattr("core.jobs.worker.quietly", lambda **_: stop)
    assert run("weights", "get", "inception")[0] == 130 and left() == []


def test_get_replaces_a_damaged_file_in_the_cache(served: Any, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_inception.install(monkeypatch, len(CONTENT), SHA256, served(sends(CONTENT)))
    paths.weights().mkdir(parents=True)
    (paths.weights() / NAME).write_bytes(CONTENT[:100])
    assert run("weights", "get", "inception")[0] == 0
    assert (paths.weights() / NAME).read_bytes() == CONTENT


def test_get_tells_of_a_wrong_file_that_the_variable_names(
    served: Any, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would stand before the one that was fetched."""
    tiny_inception.install(monkeypatch, len(CONTENT), SHA256, served(sends(CONTENT)))
    (tmp_path / "wrong.pth").write_bytes(b"wrong")
    monkeypatch.setenv("STUDIO_INCEPTION_WEIGHTS", str(tmp_path / "wrong.pth"))
    code, _, err = run("weights", "get", "inception")
    assert code == 1 and f"{tmp_path / 'wrong.pth'} is not the weights file" in sentence(err)


@pytest.mark.parametrize("name", ["lite0", "pixel-pca", "vgg"])
def test_only_what_can_be_downloaded_is(name: str, run: Any) -> None:
    code, _, err = run("weights", "get", name)
    assert code == 1 and f"no downloadable weights file named '{name}'; known: inception, inception-torchmetrics." in err


def test_nothing_is_downloaded_unasked(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetched(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("urllib.request.urlopen", fetched)
    monkeypatch.setattr("socket.socket.connect", fetched)
    for argv in (["weights"], ["doctor"]):
        assert run(*argv)[0] == 0
    folder = tiny_inception.write(tmp_path / "a", tiny_inception.photos(16))
    assert run("evaluate", str(folder), "--dataset", str(folder), "--protocol", "inception")[0] == 1


# --------------------------------------------------------------------------------------------------------------- add


def test_add_copies_a_verified_file(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_inception.install(monkeypatch, len(CONTENT), SHA256)
    (tmp_path / "mine.bin").write_bytes(CONTENT)
    code, out, _ = run("weights", "add", str(tmp_path / "mine.bin"), "--json")
    assert code == 0 and json.loads(out)["file"] == str(paths.weights() / NAME)
    assert (paths.weights() / NAME).read_bytes() == CONTENT and (tmp_path / "mine.bin").exists() and left() == [NAME]
    assert run("weights", "add", str(paths.weights() / NAME))[0] == 0, "once more, from where it lies"
    assert (paths.weights() / NAME).read_bytes() == CONTENT and left() == [NAME]


def test_add_refuses_any_other_file_and_keeps_nothing(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_inception.install(monkeypatch, len(CONTENT), SHA256)
    (tmp_path / "other.bin").write_bytes(CONTENT[::-1])
    for file, says in (
        (tmp_path / "other.bin", "is not the weights file of Inception-2015 (its sha256 is"),
        (tmp_path / "no.bin", "There is no file"),
        (tmp_path, "There is no file"),
    ):
        code, out, err = run("weights", "add", str(file))
        assert code == 1 and out == "" and says in err and err.count("\n") == 1 and str(file) in err
        assert left() == []


def test_add_on_a_full_disk_is_one_sentence(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, target: Path) -> None:
        Path(target).write_bytes(b"half")
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr("shutil.copyfile", full)
    (tmp_path / "mine.bin").write_bytes(CONTENT)
    code, _, err = run("weights", "add", str(tmp_path / "mine.bin"))
    assert code == 1 and "No space left on device" in err and err.count("\n") == 1 and left() == []


def test_add_where_a_file_stands_for_the_folder_is_one_sentence(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_inception.install(monkeypatch, len(CONTENT), SHA256)
    (tmp_path / "mine.bin").write_bytes(CONTENT)
    paths.weights().parent.mkdir(parents=True, exist_ok=True)
    paths.weights().write_text("no folder")
    code, _, err = run("weights", "add", str(tmp_path / "mine.bin"))
    assert code == 1 and "weights cannot be made (File exists); move what" in err and err.count("\n") == 1
    assert paths.weights().read_text() == "no folder"


# ----------------------------------------------------------------------------------------------------- list and doctor


def states(run: Any) -> dict[str, str]:
    listed = {row["extractor"]: row["state"] for row in json.loads(run("weights", "--json")[1])}
    told = json.loads(run("doctor", "--json")[1])["extractors"]
    assert {name: told[name] for name in listed} == listed, "the doctor and the list agree"
    assert told["pixel-pca"] == "present"
    return listed


def test_the_list_and_the_doctor_say_what_is_present_absent_and_corrupt(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_inception.install(monkeypatch, len(CONTENT), SHA256)
    absent = states(run)
    assert absent["lite0"] == "present"
    for name in ("inception", "inception-torchmetrics"):
        assert "are not here" in absent[name] and SHA256 in absent[name] and str(paths.weights()) in absent[name]
    paths.weights().mkdir(parents=True)
    (paths.weights() / NAME).write_bytes(CONTENT[:-1])
    assert "is not the weights file" in states(run)["inception"]
    (paths.weights() / NAME).write_bytes(CONTENT)
    assert set(states(run).values()) == {"present"}


def test_the_list_has_what_a_person_needs_to_fetch_by_hand(run: Any) -> None:
    rows = {row["extractor"]: row for row in json.loads(run("weights", "--json")[1])}
    assert rows["inception"]["sha256"] == INCEPTION.sha256 and rows["inception"]["url"] == INCEPTION.url
    assert rows["inception"]["bytes"] == INCEPTION.size and rows["lite0"]["licence"] == LITE0.licence
    text = run("weights")[1]
    table, (sentence,) = text.splitlines()[:-1], text.splitlines()[-1:]
    assert [line.split()[-1] for line in table] == ["present", "yes", "no", "no"] and max(map(len, table)) < 130
    assert NAME in sentence and "get inception" in sentence


SECRET = "0123456789abcdef" * 2 + "01234567"


@pytest.mark.parametrize(
    ("where", "content", "says"),
    [
        ("", "", "absent"),
        ("WANDB_API_KEY", SECRET, "present in WANDB_API_KEY"),
        ("WANDB_API_KEY", " ", "absent"),
        (".netrc", f"machine api.wandb.ai\n  login user\n  password {SECRET}\n", "present in {file}"),
        ("_netrc", f"machine api.wandb.ai login user password {SECRET}\n", "present in {file}"),
        ("NETRC", f"machine api.wandb.ai login user password {SECRET}\n", "present in {file}"),
        (".netrc", f"machine example.org login user password {SECRET}\n", "absent"),
        (".netrc", f"default login user password {SECRET}\n", "absent"),
        (".netrc", f"machine api.wandb.ai {SECRET} {SECRET}\n", "unknown: {file} cannot be read"),
    ],
    ids=["nowhere", "variable", "empty variable", ".netrc", "_netrc", "NETRC", "another host", "default", "broken"],
)
def test_the_doctor_says_whether_there_is_a_wandb_key_and_never_says_it(
    where: str, content: str, says: str, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NETRC", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "home" / (where if "netrc" in where else "elsewhere")
    if where == "WANDB_API_KEY":
        monkeypatch.setenv(where, content)
    elif where:
        file.parent.mkdir(parents=True)
        file.write_text(content)
        file.chmod(0o600)
        if where == "NETRC":
            monkeypatch.setenv("NETRC", str(file))
    code, out, err = run("doctor", "--json")
    assert code == 0 and json.loads(out)["wandb_key"].startswith(says.format(file=file))
    assert SECRET not in out + err and SECRET not in "".join(run("doctor")[1:])


# ---------------------------------------------------------------------------------------------------------- evaluate


@pytest.mark.parametrize("n", [16, pytest.param(64, marks=pytest.mark.slow)])
def test_a_folder_is_evaluated_with_weights_that_are_trusted_by_their_hash(
    n: int, run: Any, tmp_path: Path, inception_weights: tuple[Path, str]
) -> None:
    file, sha256 = inception_weights
    dim = tiny_inception.write(tmp_path / "dim", tiny_inception.dim(n))
    photos = tiny_inception.write(tmp_path / "photos", tiny_inception.photos(n))
    argv = ["evaluate", str(dim), "--dataset", str(photos), "--protocol", "inception", "--extractor-weights", str(file)]
    code, out, _ = run(*argv, "--trust-sha256", sha256.upper(), "--json")
    assert code == 0
    document = json.loads(out)
    kid = document["scores"]["kid"]
    assert kid["value"] > kid["error"] > 0 and document["scores"]["is"]["value"] > 2
    assert document["terms"]["kid"]["weights_sha256"] == sha256 and document["terms"]["kid"]["layer"] == "2048"
    assert "FD needs at least 2048 reference images" in document["refused"]["fid"]
    assert run(*argv)[0] == 1, "without the hash that vouches for it"


@pytest.mark.parametrize("protocol", ["inception", "torchmetrics"])
def test_without_the_weights_an_evaluation_is_one_sentence_with_what_works(protocol: str, run: Any, tmp_path: Path) -> None:
    photos = str(tiny_inception.write(tmp_path / "photos", tiny_inception.photos(16)))
    code, out, err = run("evaluate", photos, "--dataset", photos, "--protocol", protocol, "--json")
    assert code == 1 and out == "" and err.count("\n") == 1
    for part in (NAME, "95,628,359 bytes", INCEPTION.sha256, str(paths.weights()), "--protocol lite0 works without it."):
        assert part in err, part
