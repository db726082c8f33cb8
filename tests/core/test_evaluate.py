import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import configs, datasets, evaluate, generate, leaderboard, models, paths, results
from core.configs import AddConfig, EvaluateConfig, SampleConfig
from core.errors import ConfigError, DataError, ModelError, ScoreError
from core.evaluate import scoring, targets
from core.models import yardsticks
from core.protocols import PROTOCOLS
from core.types import Evaluation, ImageSet, silent
from tests.core import tiny_models, tiny_scores
from tests.core.tiny_scores import TinyNetwork, images

SIZE = 8
DRAWN = ["gaussian-pca@photos", "copycat@photos", "noise"]
"""Yardsticks that are drawn, in no particular order."""


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> TinyNetwork:
    return tiny_scores.install(monkeypatch)


@pytest.fixture
def photos(network: TinyNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyNetwork:
    """A registered folder of 200 images (160 for training, 20 held out); all is done at 8 pixels."""
    for module in (models, yardsticks):
        monkeypatch.setattr(module, "BUILTIN_SIZE", SIZE)
    datasets.add(AddConfig(str(tiny_scores.write_folder(tmp_path / "photos", images(200))), "photos"))
    return network


def scored(fake: ImageSet, real: ImageSet, heldout: ImageSet | None = None, **other: Any) -> Evaluation:
    return evaluate.evaluate(fake, real, heldout, PROTOCOLS["tiny"], **other)


def subjects() -> list[str]:
    return [e.subject for e in results.read()]


# Image sets at hand.


def test_scores_every_metric_of_the_protocol_and_the_matched_one(network: TinyNetwork) -> None:
    e = scored(images(60, seed=1, origin="m", name="m"), images(100, seed=2), images(25, seed=3))
    assert list(e.scores) == ["kid", "fd", "kid_matched"]
    assert [e.scores[r].terms.n_fake for r in e.scores] == [60, 60, 25]
    assert {s.terms.n_real for s in e.scores.values()} == {100}
    assert (e.subject, e.kind, e.dataset, e.protocol, e.id) == ("m", "model", "toys", "tiny", 0)


def test_passes_each_image_once(network: TinyNetwork) -> None:
    fake, real = images(60, seed=1, origin="m"), images(100, seed=2)
    scored(fake, real, images(24, seed=3))
    assert network.passed == 160
    scored(images(40, seed=4, origin="n"), real, images(24, seed=3))
    assert network.passed == 200


def test_matched_is_the_score_of_the_first_images_alone(network: TinyNetwork) -> None:
    fake, real, held = images(60, seed=1, origin="m"), images(100, seed=2), images(24, seed=3)
    matched, alone = scored(fake, real, held).scores["kid_matched"], scored(fake.take(24), real, held).scores["kid"]
    assert matched.value == pytest.approx(alone.value, rel=1e-12) and matched.terms == alone.terms


def test_matched_is_the_score_itself_where_enough_are_held_out(network: TinyNetwork) -> None:
    e = scored(images(40, seed=1, origin="m"), images(100, seed=2), images(90, seed=3))
    assert e.scores["kid_matched"].terms == e.scores["kid"].terms
    assert e.scores["kid_matched"].value == e.scores["kid"].value


def test_held_out_images_score_about_zero_and_others_do_not(network: TinyNetwork) -> None:
    real = images(400, seed=2)
    near, far = (scored(images(200, seed=s, shift=d, origin="m"), real).scores["kid"] for s, d in ((3, 0), (4, 40)))
    assert near.error is not None and abs(near.value) < 4 * near.error
    assert far.error is not None and far.value > 10 * far.error


def test_the_fake_side_is_first(network: TinyNetwork) -> None:
    e = scored(images(40, seed=1, origin="m"), images(100, seed=2))
    kid = e.scores["kid"]
    assert kid.influence_fake is not None and kid.influence_real is not None
    assert (len(kid.influence_fake), len(kid.influence_real)) == (40, 100)


def test_a_small_reference_has_kid_and_no_fd(network: TinyNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "LEAST", 2)
    e = scored(images(40, seed=1, origin="m"), images(5, seed=2))
    assert list(e.scores) == ["kid"]
    assert "KID stands" in e.refused["fd"]


@pytest.mark.parametrize(("n_fake", "n_real"), [(15, 100), (100, 15)])
def test_too_few_images_are_refused(network: TinyNetwork, n_fake: int, n_real: int) -> None:
    with pytest.raises(ScoreError, match="15 images; a score needs at least 16"):
        scored(images(n_fake, origin="m"), images(n_real))
    assert network.passed == 0


def test_the_recipe_is_part_of_the_terms(network: TinyNetwork) -> None:
    fake, real = images(20, seed=1, origin="m"), images(20, seed=2)
    one, other = (scored(fake, real, recipe={"crop": c}).scores["kid"].terms for c in ("centre", "none"))
    assert one.hash != other.hash


# The whole verb.


def test_noise_against_a_folder_of_photos(photos: TinyNetwork) -> None:
    c = EvaluateConfig("noise", "photos", "tiny")
    e = evaluate.run(c)
    assert subjects()[0] == "held-out" and subjects()[-1] == "noise" and sorted(subjects()[1:]) == sorted(DRAWN)
    assert {x.kind for x in results.read()} == {"yardstick"}
    assert (e.id, e.subject, e.command) == (4, "noise", configs.command(c))
    assert e.sample == SampleConfig("noise", n=64) and e.network_evaluations == 0
    assert e.sampling_seconds is not None and e.seconds > 0 and "torch" in e.versions
    scores = {x.subject: x.scores["kid_matched"] for x in results.read()}
    held, noise = scores["held-out"], scores["noise"]
    assert held.error is not None and abs(held.value) < 4 * held.error < noise.value
    assert {s.terms.n_fake for s in scores.values()} == {20} and len({s.terms.hash for s in scores.values()}) == 1


def test_yardsticks_are_measured_once_an_n(photos: TinyNetwork) -> None:
    evaluate.run(EvaluateConfig("noise", "photos", "tiny"))
    passed = photos.passed
    evaluate.run(EvaluateConfig("gaussian-pca", "photos", "tiny", seed=1))
    assert photos.passed - passed == 64
    assert subjects()[4:] == ["gaussian-pca@photos"]
    evaluate.run(EvaluateConfig("noise", "photos", "tiny", n=40))
    # All 20 held-out images are what 40 are compared with too: that row stands.
    assert sorted(subjects()[5:]) == sorted(DRAWN)
    evaluate.run(EvaluateConfig("noise", "photos", "tiny", n=18))
    assert sorted(subjects()[8:]) == sorted(["held-out", *DRAWN])


def test_yardsticks_say_the_command_that_makes_them(photos: TinyNetwork) -> None:
    evaluate.run(EvaluateConfig("noise", "photos", "tiny", n=40, seed=3))
    (pca,) = [e for e in results.read() if e.subject == "gaussian-pca@photos"]
    words = pca.command.split()[2:]
    again = configs.from_argv(EvaluateConfig, words)
    assert again == EvaluateConfig("gaussian-pca", "photos", "tiny", n=40)
    assert evaluate.run(again).scores["kid"].value == pca.scores["kid"].value


def test_a_model_is_drawn_scored_and_ranked(photos: TinyNetwork, tmp_path: Path) -> None:
    vae = replace(tiny_models.VAE, dataset="photos", size=SIZE)
    card = tiny_models.publish(vae, tmp_path / "w", model_id="my-vae")
    e = evaluate.run(EvaluateConfig(card.id, "photos", "tiny", seed=5))
    assert (e.subject, e.kind, e.network_evaluations) == ("my-vae", "model", 1)
    assert e.sample is not None and e.sample.seed == 5
    assert e.fingerprint == generate.images(e.sample).fingerprint
    rows = leaderboard.rows("photos", "tiny")
    assert [r["model"] for r in rows if r["rank"] == 1] == ["my-vae"] and len(rows) == 5


def test_a_model_of_another_size_is_compared_at_its_own(photos: TinyNetwork, tmp_path: Path) -> None:
    card = tiny_models.publish(replace(tiny_models.VAE, dataset="photos", size=16), tmp_path / "w")
    e = evaluate.run(EvaluateConfig(card.id, "photos", "tiny"))
    assert subjects() == ["held-out", "noise:16", "gaussian-pca@photos:16", "copycat@photos:16", card.id]
    assert e.scores["kid"].terms.reference_fingerprint == datasets.load("photos", "train", size=16).fingerprint
    evaluate.run(EvaluateConfig("noise", "photos", "tiny"))
    assert len(leaderboard.table("photos", "tiny")) == 2


def test_a_folder_of_images(photos: TinyNetwork, tmp_path: Path) -> None:
    folder = tiny_scores.write_folder(tmp_path / "mine", images(30, seed=8, shift=10))
    e = evaluate.run(EvaluateConfig(str(folder), "photos", "tiny"))
    assert (e.subject, e.kind, e.sample, e.sampling_seconds) == (f"{tmp_path.name}/mine", "folder", None, None)
    assert e.scores["kid"].terms.n_fake == 30
    assert subjects() == ["held-out", "noise", "gaussian-pca@photos", "copycat@photos", f"{tmp_path.name}/mine"]
    assert leaderboard.rows("photos", "tiny")[0]["n"] == 30


def test_more_images_than_a_folder_has_are_refused(photos: TinyNetwork, tmp_path: Path) -> None:
    folder = tiny_scores.write_folder(tmp_path / "mine", images(30, seed=8))
    with pytest.raises(ScoreError, match="has 30 images, 31 were asked for"):
        evaluate.run(EvaluateConfig(str(folder), "photos", "tiny", n=31))


def test_a_large_folder_is_sampled_not_cut(photos: TinyNetwork, tmp_path: Path) -> None:
    """Names often sort by class: the first 40 of 80 files are dark, the others bright."""
    dark, bright = images(40, seed=1), images(40, seed=2, shift=60)
    both = ImageSet("both", "all", np.concatenate([dark.images, bright.images]))
    folder = tiny_scores.write_folder(tmp_path / "sorted", both)
    found = targets.target(EvaluateConfig(str(folder), "photos", "tiny", n=40), PROTOCOLS["tiny"])
    assert found.images is not None and found.n == 40
    share = np.mean(found.images.images.mean((1, 2, 3)) > 140)
    assert 0.25 < share < 0.75
    again = targets.target(EvaluateConfig(str(folder), "photos", "tiny", n=40), PROTOCOLS["tiny"])
    assert again.images is not None and again.images.fingerprint == found.images.fingerprint


def test_the_same_command_twice_is_one_record(photos: TinyNetwork) -> None:
    c = EvaluateConfig("noise", "photos", "tiny")
    first = evaluate.run(c)
    passed = photos.passed
    second = evaluate.run(c)
    assert photos.passed == passed and second.id == first.id and subjects().count(first.subject) == 1


def test_the_same_evaluation_started_twice_at_once_does_the_work_once(photos: TinyNetwork) -> None:
    c = EvaluateConfig("noise", "photos", "tiny")
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: evaluate.run(c), range(2))
    assert one.id == other.id and len(subjects()) == 4
    # Training and held-out images, and 64 of each of three yardsticks.
    assert photos.passed == 160 + 20 + 3 * 64


def test_another_seed_is_another_record(photos: TinyNetwork) -> None:
    first, second = (evaluate.run(EvaluateConfig("noise", "photos", "tiny", seed=s)) for s in (0, 1))
    assert first.id != second.id and first.fingerprint != second.fingerprint


def test_cleared_pictures_come_back_without_a_second_record(photos: TinyNetwork) -> None:
    c = EvaluateConfig("noise", "photos", "tiny")
    e = evaluate.run(c)
    shutil.rmtree(paths.store("gallery"))
    assert evaluate.gallery(e) is None
    assert evaluate.run(c).id == e.id and evaluate.gallery(e) is not None


def test_the_first_block_gives_a_provisional_score_before_the_rest_is_drawn(
    photos: TinyNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.evaluate.running.BLOCK", 256)
    heard: list[tuple[int, float, int]] = []
    told: list[str] = []
    e = evaluate.run(
        EvaluateConfig("noise", "photos", "tiny", n=600),
        lambda done, total, note: told.append(note),
        lambda s: heard.append((s.terms.n_fake, s.value, sum("noise" in t for t in told))),
    )
    ((n, value, before),) = heard
    assert n == 256 and before == 0
    error = e.scores["kid"].error
    assert error is not None and abs(value - e.scores["kid"].value) < 10 * error


def test_a_small_evaluation_has_no_provisional_score(photos: TinyNetwork) -> None:
    heard: list[Any] = []
    evaluate.run(EvaluateConfig("noise", "photos", "tiny"), provisional=heard.append)
    assert heard == []


def test_the_gallery_shows_the_images_that_hurt_most(photos: TinyNetwork) -> None:
    e = evaluate.run(EvaluateConfig("gaussian-pca", "photos", "tiny"))
    found = evaluate.gallery(e)
    assert found is not None and e.sample is not None
    drawn = generate.images(e.sample).images
    assert np.array_equal(found["samples"], drawn[:64])
    effects = results.with_influences(e).scores["kid"].influence_fake
    assert effects is not None
    assert found["worst_index"][0] == np.argmax(effects)
    assert np.array_equal(found["worst"][0], drawn[np.argmax(effects)])
    assert list(found["worst_effect"]) == sorted(found["worst_effect"], reverse=True)
    # Without the worst image the distance falls by about its effect, which is of first order.
    kid = scored(
        ImageSet("m", "generated", np.delete(drawn, np.argmax(effects), 0), origin="m"), datasets.load("photos", "train", size=8)
    )
    assert e.scores["kid"].value - kid.scores["kid"].value == pytest.approx(found["worst_effect"][0], rel=0.4)


def test_copycat_is_caught_with_its_models_as_pictures(photos: TinyNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_scores.with_copies(monkeypatch)
    e = evaluate.run(EvaluateConfig("copycat", "photos", "tiny"))
    copies = e.scores["copies"]
    assert copies.value > 0.9 and copies.interval is not None and copies.interval[0] > 0.5
    assert copies.terms.params["n_heldout"] == 20
    found = evaluate.gallery(e)
    assert found is not None and np.array_equal(found["nearest_fake"], found["nearest_real"])
    others = {x.subject: x for x in results.read()}
    assert others["noise"].scores["copies"].value < 0.1
    assert "not searched for copies" in others["held-out"].refused["copies"]


def test_a_metric_added_to_a_protocol_passes_nothing_again_and_orphans_no_score(
    photos: TinyNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    p = PROTOCOLS["tiny"]
    monkeypatch.setitem(PROTOCOLS, "tiny", replace(p, metrics=p.metrics[1:]))  # type: ignore[arg-type]
    before = evaluate.run(EvaluateConfig("noise", "photos", "tiny"))
    passed = photos.passed
    monkeypatch.setitem(PROTOCOLS, "tiny", p)  # type: ignore[arg-type]
    assert "noise" in {r["model"] for r in leaderboard.rows("photos", "tiny")}
    after = evaluate.run(EvaluateConfig("noise", "photos", "tiny"))
    assert photos.passed == passed and set(before.scores) == {"fd", "fd_matched"} and "kid" in after.scores
    assert before.scores["fd"].terms.hash == after.scores["fd"].terms.hash
    assert before.scores["fd"].value == after.scores["fd"].value


# Two folders, sizes, and what it will take.


def test_two_folders_are_compared_without_a_data_set(network: TinyNetwork, tmp_path: Path) -> None:
    mine = tiny_scores.write_folder(tmp_path / "mine", images(40, seed=8, shift=10))
    theirs = tiny_scores.write_folder(tmp_path / "theirs", images(80, seed=9))
    e = evaluate.run(EvaluateConfig(str(mine), str(theirs), "tiny"))
    assert (e.subject, e.dataset) == (f"{tmp_path.name}/mine", f"{tmp_path.name}/theirs")
    assert subjects() == ["noise:8", e.subject]
    assert (e.scores["kid"].terms.n_real, e.scores["kid"].terms.reference_split) == (80, "all")
    assert evaluate.dataset_name(str(theirs)) == evaluate.dataset_name(e.dataset) == e.dataset


def test_a_folder_is_its_content_whatever_its_files_are_called(network: TinyNetwork, tmp_path: Path) -> None:
    """Names sort by class often; what halves or cuts a set must not see that order, on neither side."""
    x = images(80, seed=9)
    brightness = np.argsort(x.images.mean((1, 2, 3)))
    sorted_ = tiny_scores.write_folder(tmp_path / "sorted" / "same", replace(x, images=x.images[brightness]))
    mixed = tiny_scores.write_folder(tmp_path / "mixed" / "same", x)
    one, other = (
        targets.real(EvaluateConfig("noise", str(f), "tiny"), PROTOCOLS["tiny"], targets.Target("n", "model", 8), silent)
        for f in (sorted_, mixed)
    )
    assert one.images.fingerprint == other.images.fingerprint
    first = one.images.images[:40].mean((1, 2, 3))
    assert abs(np.argsort(np.argsort(one.images.images.mean((1, 2, 3))))[:40].mean() - 39.5) < 12 and first.std() > 1
    a, b = (
        targets.target(EvaluateConfig(str(f), "photos", "tiny", n=80, seed=s), PROTOCOLS["tiny"])
        for f, s in ((sorted_, 1), (mixed, 2))
    )
    assert a.images is not None and b.images is not None and a.images.fingerprint == b.images.fingerprint


def test_a_reference_folder_that_is_not_there_is_told(network: TinyNetwork, tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match="There is no folder .*; give a folder of images, or a data set by its name"):
        evaluate.run(EvaluateConfig("noise", f"{tmp_path}/nowhere", "tiny"))


def test_a_folder_of_equal_squares_is_scored_at_their_size(photos: TinyNetwork, tmp_path: Path) -> None:
    big = images(30, seed=8)
    big = replace(big, images=big.images.repeat(2, 1).repeat(2, 2))
    folder = tiny_scores.write_folder(tmp_path / "big", big)
    assert targets.target(EvaluateConfig(str(folder), "photos", "tiny"), PROTOCOLS["tiny"]).size == 16
    asked = targets.target(EvaluateConfig(str(folder), "photos", "tiny", size=32), PROTOCOLS["tiny"])
    assert asked.size == 32 and asked.images is not None and asked.images.images.shape[1:] == (32, 32, 3)


def test_yardsticks_have_the_size_of_the_target(photos: TinyNetwork) -> None:
    evaluate.run(EvaluateConfig("noise", "photos", "tiny", size=16))
    assert {e.subject for e in results.read()} == {"held-out", "gaussian-pca@photos:16", "copycat@photos:16", "noise:16"}


def test_a_model_at_another_size_than_its_own_is_refused(photos: TinyNetwork, tmp_path: Path) -> None:
    card = tiny_models.publish(replace(tiny_models.VAE, dataset="photos", size=16), tmp_path / "w")
    with pytest.raises(ConfigError, match="size is 8; the images of .* have 16 pixels"):
        evaluate.run(EvaluateConfig(card.id, "photos", "tiny", size=8))


def test_what_is_expected_is_what_passes(photos: TinyNetwork) -> None:
    c = EvaluateConfig("noise", "photos", "tiny")
    datasets.prepare(configs.PrepareConfig("photos", SIZE))
    before = evaluate.expected(c)
    assert before.draws == 64 and before.seconds is not None and before.seconds > 0
    evaluate.run(c)
    assert photos.passed <= before.passes <= photos.passed + 20
    after = evaluate.expected(c)
    assert (after.passes, after.draws) == (0, 0)


def test_other_weights_have_seen_nothing_yet(photos: TinyNetwork) -> None:
    c = EvaluateConfig("noise", "photos", "tiny")
    evaluate.run(c)
    assert evaluate.expected(c).passes == 0
    foreign = evaluate.expected(replace(c, extractor_weights="other.pth", trust_sha256="1" * 64))
    assert foreign.passes == 160 + 20 + 3 * 64


def test_what_computed_and_drew_is_recorded_beside_the_terms(photos: TinyNetwork, tmp_path: Path) -> None:
    card = tiny_models.publish(replace(tiny_models.VAE, dataset="photos", size=SIZE), tmp_path / "w")
    e = evaluate.run(EvaluateConfig(card.id, "photos", "tiny"))
    assert e.versions["checkpoint"] == card.sha256["ema.safetensors"]
    assert e.versions["device"].startswith(("cpu", "cuda")) and int(e.versions["batch"]) > 0
    assert results.read()[-1].versions == e.versions


def test_drawing_from_a_model_that_was_never_timed_is_not_guessed(photos: TinyNetwork, tmp_path: Path) -> None:
    card = tiny_models.publish(replace(tiny_models.VAE, dataset="photos", size=SIZE), tmp_path / "w")
    c = EvaluateConfig(card.id, "photos", "tiny")
    assert evaluate.expected(c).seconds is None
    evaluate.run(c)
    assert evaluate.expected(replace(c, seed=1)).seconds is not None


def test_the_leaderboard_outlives_the_store(photos: TinyNetwork) -> None:
    evaluate.run(EvaluateConfig("noise", "photos", "tiny"))
    before = leaderboard.rows()
    shutil.rmtree(paths.cache() / "store")
    assert leaderboard.rows() == before


def test_progress_rises_to_the_end_and_says_what_is_done(photos: TinyNetwork) -> None:
    told: list[tuple[int, int, str]] = []
    evaluate.run(EvaluateConfig("noise", "photos", "tiny"), lambda *x: told.append(x))
    (total,) = {t for _, t, note in told if note.startswith(("drawing", "Tiny"))}
    done = [d for d, t, _ in told if t == total]
    assert done == sorted(done) and done[-1] == total
    said = " | ".join(dict.fromkeys(note for *_, note in told))
    for words in ("Tiny looks at photos (train)", "photos (test)", "drawing images of noise", "Tiny looks at noise"):
        assert words in said


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"dataset": "nowhere"}, DataError, "no data set named 'nowhere'"),
        ({"protocol": "nothing"}, ScoreError, "no protocol named 'nothing'; known: "),
        ({"target": "nobody"}, ModelError, "no model named 'nobody'; known: "),
        ({"target": "./nobody"}, ScoreError, "no folder ./nobody; give a folder of images, or a model"),
        ({"n": 7}, ScoreError, "noise has or is asked for 7 images; a score needs at least 16"),
        ({"steps": 7}, ConfigError, "steps is 7; noise draws its images at once"),
    ],
)
def test_what_cannot_be_is_told_in_one_sentence(photos: TinyNetwork, change: dict[str, Any], error: type, words: str) -> None:
    c = EvaluateConfig(**{"target": "noise", "dataset": "photos", "protocol": "tiny", **change})
    with pytest.raises(error) as e:
        evaluate.run(c)
    assert words in str(e.value)
    assert photos.passed == 0 and results.read() == []


def test_a_sampler_for_a_folder_is_refused(photos: TinyNetwork, tmp_path: Path) -> None:
    folder = tiny_scores.write_folder(tmp_path / "mine", images(20))
    with pytest.raises(ConfigError, match="sampler, steps cannot be used with the folder"):
        evaluate.run(EvaluateConfig(str(folder), "photos", "tiny", sampler="ddim", steps=5))


def test_a_model_goes_before_a_folder_of_its_name(photos: TinyNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_scores.write_folder(tmp_path / "noise", images(20))
    monkeypatch.chdir(tmp_path)
    assert evaluate.run(EvaluateConfig("noise", "photos", "tiny", n=20)).kind == "yardstick"
    assert evaluate.run(EvaluateConfig("./noise", "photos", "tiny")).kind == "folder"


def test_another_data_sets_gaussian_is_a_model_here(photos: TinyNetwork, tmp_path: Path) -> None:
    datasets.add(AddConfig(str(tiny_scores.write_folder(tmp_path / "more", images(40, seed=9, shift=30))), "more"))
    e = evaluate.run(EvaluateConfig("gaussian-pca@more", "photos", "tiny"))
    assert (e.subject, e.kind) == ("gaussian-pca@more", "model")
    assert models.card("gaussian-pca@more").dataset == "more"
