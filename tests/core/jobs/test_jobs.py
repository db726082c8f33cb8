"""Jobs as folders: real processes, small ones. A job here runs a few lines of Python instead of a training."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core import generate, jobs, paths
from core.configs import PrepareConfig, SampleConfig, VAEConfig
from core.errors import JobError
from core.jobs import standby, supervisor, worker
from core.types import Job
from tests.core.tiny_models import DDPM, publish

REPORTING = "from core.jobs import worker; worker.die_with_supervisor(); "
POSIX = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Job]:
    """Starts a job that runs the given code instead of its config's verb."""

    def start(code: str, c: Any = None) -> Job:
        folder = jobs.create(c or PrepareConfig("petals"), title="test")
        spec = json.loads((folder / "job.json").read_text())
        (folder / "job.json").write_text(json.dumps(spec | {"argv": [sys.executable, "-c", code]}))
        jobs.start(folder)
        return jobs.read(folder.name)

    return start


def until(job: Job, state: str, seconds: float = 20.0) -> Job:
    end = time.monotonic() + seconds
    while (job := jobs.read(job.id)).state != state:
        assert time.monotonic() < end, f"{job} never became {state}; log: {jobs.log(job.id)}"
        time.sleep(0.02)
    return job


def wait(job: Job) -> Job:
    return jobs.follow(job)


def test_a_reported_result_is_done(run: Callable[..., Job]) -> None:
    job = wait(run(REPORTING + "print('hello'); worker.tell(3, 4, 'half', loss=0.5); worker.report(True, {'x': 1})"))
    assert (job.state, job.exit_code, dict(job.result)) == ("done", 0, {"x": 1})
    assert "hello" in jobs.log(job.id)
    assert (job.done, job.total, job.note) == (3, 4, "half")
    assert jobs.history(job.id)[0]["loss"] == 0.5


def test_exit_zero_without_a_result_is_failed(run: Callable[..., Job]) -> None:
    job = wait(run("pass"))
    assert job.state == "failed" and "without a result" in job.error


def test_an_exit_code_is_kept_and_explained(run: Callable[..., Job]) -> None:
    job = wait(run("raise SystemExit(3)"))
    assert (job.state, job.exit_code) == ("failed", 3) and "3" in job.error


def test_a_studio_error_is_the_job_s_sentence(run: Callable[..., Job]) -> None:
    failing = "from core.errors import DataError\ndef f(): raise DataError('No such folder.')\n"
    code = REPORTING + failing + "raise SystemExit(worker.run(f))"
    job = wait(run(code))
    assert (job.state, job.error) == ("failed", "No such folder.")


@POSIX
def test_a_killed_job_says_so(run: Callable[..., Job]) -> None:
    job = wait(run("import os; os.kill(os.getpid(), 9)"))
    assert job.state == "failed" and "memory" in job.error


def test_cancel_ends_a_running_job(run: Callable[..., Job]) -> None:
    job = until(run("import time; time.sleep(60)"), "running")
    jobs.cancel(job.id)
    assert wait(job).state == "cancelled"


@POSIX
def test_cancel_ends_a_job_that_ignores_the_polite_signal(run: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    job = run("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)")
    while "deaf" not in jobs.log(job.id):
        time.sleep(0.05)
    jobs.cancel(job.id)
    assert wait(job).state == "cancelled"


@POSIX
def test_no_grandchild_stays_behind(run: Callable[..., Job]) -> None:
    sleeper = "[sys.executable, '-c', 'import time; time.sleep(60)']"
    code = f"import subprocess, sys; p = subprocess.Popen({sleeper}); print(p.pid, flush=True)"
    job = wait(run(code))
    grandchild = int(jobs.log(job.id).split()[0])
    time.sleep(0.2)
    with pytest.raises(ProcessLookupError):
        os.kill(grandchild, 0)
        # A zombie still has its number until init has waited for it.
        if "Z" in Path(f"/proc/{grandchild}/stat").read_text().split()[2]:
            raise ProcessLookupError


@POSIX
def test_a_job_whose_supervisor_is_killed_is_lost_and_ends(run: Callable[..., Job]) -> None:
    job = run(REPORTING + "import os, time; print(os.getppid(), os.getpid(), flush=True); time.sleep(60)")
    while not (numbers := jobs.log(job.id).split()):
        time.sleep(0.02)
    os.kill(int(numbers[0]), signal.SIGKILL)
    lost = until(job, "lost")
    assert "start it again" in lost.error
    end = time.monotonic() + 10
    while time.monotonic() < end and Path(f"/proc/{numbers[1]}").exists():
        time.sleep(0.05)
    assert not Path(f"/proc/{numbers[1]}").exists()


def test_one_training_waits_for_the_other_and_can_be_cancelled_while_it_waits(run: Callable[..., Job]) -> None:
    c = VAEConfig(dataset="petals")
    first = until(run("import time; time.sleep(60)", c), "running")
    second = run("import time; time.sleep(60)", c)
    time.sleep(0.3)
    assert jobs.read(second.id).state == "waiting"
    assert [j.id for j in jobs.active("train")] == [second.id, first.id] or len(jobs.active("train")) == 2
    jobs.cancel(second.id)
    assert wait(second).state == "cancelled"
    jobs.cancel(first.id)
    assert wait(first).state == "cancelled"


def test_a_waiting_training_starts_when_the_slot_is_free(run: Callable[..., Job]) -> None:
    c = VAEConfig(dataset="petals")
    first = until(run("import time; time.sleep(60)", c), "running")
    second = run(REPORTING + "worker.report(True, {})", c)
    jobs.cancel(first.id)
    assert wait(second).state == "done"


def test_a_job_outlives_the_process_that_started_it(cache: Path) -> None:
    import subprocess

    code = (
        "import json, sys; from core import jobs; from core.configs import PrepareConfig;"
        "f = jobs.create(PrepareConfig('petals')); s = json.loads((f / 'job.json').read_text());"
        "work = 'import time; time.sleep(1); from core.jobs import worker; worker.report(True, {})';"
        "(f / 'job.json').write_text(json.dumps(s | {'argv': [sys.executable, '-c', work]}));"
        "jobs.start(f); print(f.name)"
    )
    starter = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=paths.PROJECT, check=True)
    job = jobs.read(starter.stdout.strip())
    assert job.active
    assert wait(job).state == "done"


def test_a_finished_job_is_not_cancelled_after_the_fact(run: Callable[..., Job]) -> None:
    job = wait(run(REPORTING + "worker.report(True, {})"))
    assert jobs.cancel(job.id).state == "done"
    assert jobs.read(job.id).state == "done"


def test_an_unknown_job_names_the_known_ones(run: Callable[..., Job]) -> None:
    with pytest.raises(JobError, match="no job named 'x'"):
        jobs.read("x")


def test_a_torn_last_event_is_left_out(run: Callable[..., Job]) -> None:
    job = wait(run(REPORTING + "worker.tell(1, 2, 'one'); worker.report(True, {})"))
    with (paths.job(job.id) / "events.jsonl").open("a") as f:
        f.write('{"done": 2, "tot')
    assert [e["done"] for e in jobs.history(job.id)] == [1]
    assert jobs.read(job.id).done == 1


def test_a_loss_that_is_not_finite_stays_valid_json(run: Callable[..., Job]) -> None:
    job = wait(run(REPORTING + "worker.tell(1, 2, 'x', loss=float('nan')); worker.report(True, {})"))
    assert jobs.history(job.id)[0]["loss"] == "nan"


def test_readers_do_not_take_each_other_for_a_supervisor(tmp_path: Path) -> None:
    held = supervisor.take(tmp_path)
    assert supervisor.alive(tmp_path)
    held.close()
    probe = supervisor.lock(tmp_path / "alive", shared=True)
    assert probe is not None and not supervisor.alive(tmp_path)
    probe.close()


def test_a_supervised_folder_takes_no_second_supervisor(tmp_path: Path) -> None:
    held = supervisor.take(tmp_path)
    with pytest.raises(SystemExit):
        supervisor.take(tmp_path, seconds=0.1)
    held.close()


def test_progress_is_told_at_most_twice_a_second_and_always_at_the_end() -> None:
    seen = []
    progress = worker.quietly(lambda *a: seen.append(a), every=60.0)
    for i in range(1, 101):
        progress(i, 100, "x")
    assert [s[0] for s in seen] == [1, 100]


# --------------------------------------------------------------------------------------------------------- standby


@pytest.fixture
def fresh_standby() -> Any:
    yield
    while standby._waiting:
        process = standby._waiting.pop()
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def test_a_standby_process_becomes_one_ordinary_job(fresh_standby: None) -> None:
    job = standby.submit(SampleConfig("noise", n=4), ["json"])
    done = wait(job)
    assert done.state == "done", jobs.log(job.id)
    assert done.result["n"] == 4
    assert len(standby._waiting) == 1  # the next one waits already


def test_a_standby_job_is_cancelled_like_any_other(fresh_standby: None, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = jobs.create(SampleConfig("noise"))
    (folder / "cancel").touch()
    monkeypatch.setattr(jobs, "create", lambda c, title="": folder)
    job = standby.submit(SampleConfig("noise"), ["json"])
    assert until(job, "cancelled").state == "cancelled"


def test_a_waiting_standby_ends_with_its_server(fresh_standby: None) -> None:
    standby.warm(["json"])
    process = standby._waiting.pop()
    assert process.stdin is not None and process.stdout is not None
    process.stdin.close()
    assert process.wait(10) == 0
    process.stdout.close()


def test_a_dead_standby_is_replaced_without_losing_the_job(fresh_standby: None, monkeypatch: pytest.MonkeyPatch) -> None:
    standby.warm(["json"])
    process = standby._waiting[0]
    real = process.poll
    process.kill()
    process.wait(10)
    monkeypatch.setattr(process, "poll", lambda: None)  # it dies between the look and the hand-over
    job = standby.submit(SampleConfig("noise", n=4), ["json"])
    monkeypatch.setattr(process, "poll", real)
    assert wait(job).state == "done"


def test_two_sessions_at_once_get_a_process_each(fresh_standby: None) -> None:
    started: list[Job] = []
    threads = [
        threading.Thread(target=lambda s=seed: started.append(standby.submit(SampleConfig("noise", n=1, seed=s), ["json"])))
        for seed in range(3)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len({j.id for j in started}) == 3
    assert [wait(j).state for j in started] == ["done"] * 3


def test_of_two_drawings_at_once_one_is_cancelled_and_the_other_ends(fresh_standby: None, tmp_path: Path) -> None:
    model = publish(DDPM, tmp_path).id
    long, short = (SampleConfig(model, n=16, seed=seed, sampler="ddpm", steps=1000) for seed in (0, 1))
    first, second = standby.submit(long, ["json"]), standby.submit(short, ["json"])
    while not jobs.read(first.id).done:
        time.sleep(0.05)
    assert jobs.read(first.id).active and jobs.read(second.id).active
    jobs.cancel(first.id)
    assert until(first, "cancelled").state == "cancelled"
    done = wait(second)
    assert done.state == "done", jobs.log(done.id)
    assert generate.recording(short) is not None and generate.recording(long) is None
    # The next click works.
    again = standby.submit(SampleConfig(model, n=4, steps=5), ["json"])
    assert wait(again).state == "done"


def test_a_killed_drawing_is_told_in_a_sentence_and_the_next_click_works(fresh_standby: None, tmp_path: Path) -> None:
    model = publish(DDPM, tmp_path).id
    standby.warm(["json"])
    pid = standby._waiting[0].pid
    job = standby.submit(SampleConfig(model, n=16, sampler="ddpm", steps=1000), ["json"])
    while not jobs.read(job.id).done:
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    ended = wait(job)
    assert ended.state in ("lost", "failed") and ended.error and "\n" not in ended.error.strip()
    assert wait(standby.submit(SampleConfig(model, n=4, steps=5), ["json"])).state == "done"
