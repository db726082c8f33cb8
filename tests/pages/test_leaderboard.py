"""The leaderboard screen in every state, over evaluations of Gaussian toys: real scores, no network."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import configs, datasets, evaluate, jobs, leaderboard, paths, results
from core.configs import AddConfig, EvaluateConfig, PrepareConfig, SelftestConfig
from core.protocols import PROTOCOLS
from core.types import Arrays, Evaluation, Job
from core.ui import carrying, evaluating, running, score_table, scores
from tests.core import toy_evaluations as toys

REF = toys.real(120)
N = 64
Opened = AppTest
PREPARED = Job("p", "prepare", "Prepare petals", (), "cancelled", "now")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the page starts, without starting it."""
    seen: list[Any] = []

    def start(c: Any, title: str) -> Job:
        seen.append(c)
        return Job(f"id-{len(seen)}", "evaluate", title, ("python", "-m", *configs.to_argv(c)), "cancelled", "now")

    def start_of_others(c: Any, title: str) -> Job:
        return start(c, title) if isinstance(c, EvaluateConfig | SelftestConfig) else PREPARED

    monkeypatch.setattr(running, "start", start_of_others)
    monkeypatch.setattr("core.features.state", lambda name: "present")
    return seen


@pytest.fixture
def table(started: list[Any]) -> list[Evaluation]:
    """Held-out, two models that differ clearly, noise; KID leads."""

    def made(subject: str, shift: float, **more: Any) -> Evaluation:
        e = toys.evaluation(subject, toys.draw(N, 3, 1.0, shift), REF, matched=32, **more)
        e = replace(e, command=f"python -m core evaluate {subject} --dataset=toys")
        return results.record(e)

    return [
        made("held-out", 0.0, seed=None, kind="yardstick"),
        made("near", 0.3),
        made("far", 1.5),
        made("noise", 4.0, kind="yardstick"),
    ]


def visit(**query: str) -> Opened:
    at = AppTest.from_file(str(paths.PROJECT / "core/ui/router.py"), default_timeout=60)
    for key, value in ({"lb_dataset": "toys"} | query).items():
        at.query_params[key] = value
    at.run()
    at.switch_page("../../pages/metrics_leaderboard.py").run()
    assert not at.exception, at.exception
    return at


def words(at: Opened) -> str:
    kinds = ("markdown", "caption", "error", "info", "warning", "success")
    return "\n".join(str(e.value) for kind in kinds for e in at.get(kind))


def frame(at: Opened, key: str = "lb_table_0") -> Any:
    return next(d.value for d in at.dataframe if d.key == key)


def frames(at: Opened) -> list[Any]:
    return [d.value for d in at.dataframe if not (d.key or "").startswith("lb_table")]


def click(at: Opened, label: str) -> Opened:
    (button,) = [b for b in at.button if b.label == label]
    at = button.click().run()
    assert not at.exception, at.exception
    return at


# ----------------------------------------------------------------------------------------------------------- table


def test_the_table_has_ranks_errors_both_numbers_of_images_and_yardsticks(table: list[Evaluation]) -> None:
    shown = frame(visit()).set_index("Model")
    assert dict(shown["Rank"]) == {"held-out": "yardstick", "near": "1", "far": "2", "noise": "yardstick"}
    kid = table[1].scores["kid"]
    assert shown.loc["near", "KID (Lite0)"] == scores.with_error(kid.value, kid.error) and "±" in shown.loc["near", "KID (Lite0)"]
    assert shown.loc["near", "n vs N_ref"] == "64 vs 120" and shown.loc["near", "Passes"] == "50"
    assert shown.loc["near", "s per 1,000"] == f"{1000 * 0.25 / N:.3g}"


def test_a_distance_of_few_images_says_so(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    edit(monkeypatch, "near", fd_band="small", fd=1.0, fd_error=0.1)
    at = visit()
    assert frame(at).set_index("Model").loc["near", "FD (Lite0)"] == "1.00 ± 0.10 (small n)"
    assert "decides nothing" in words(at)


def edit(monkeypatch: pytest.MonkeyPatch, model: str, **values: Any) -> None:
    """Rows as the leaderboard gives them, one of them changed."""
    real = leaderboard.rows

    def rows(*a: Any, **k: Any) -> list[dict[str, Any]]:
        return [r | values if r["model"] == model else r for r in real(*a, **k)]

    monkeypatch.setattr(leaderboard, "rows", rows)


def test_a_copier_is_flagged_in_red_words_with_its_share(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    edit(monkeypatch, "near", flagged=True, copies=0.12, copies_low=0.08, copies_high=0.16)
    at = visit()
    assert frame(at).set_index("Model").loc["near", "Marks"] == "12 % copies"
    assert ":red[**near copies training images**]: 12 % of its images, 95 % interval 8 % to 16 %." in words(at)


def test_metrics_that_disagree_are_marked_and_explained(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    edit(monkeypatch, "far", disagrees="KID puts it behind near; FD says the reverse.")
    at = visit()
    assert frame(at).set_index("Model").loc["far", "Marks"] == "metrics disagree"
    assert "**far**: KID puts it behind near; FD says the reverse." in words(at)


def test_rows_without_a_rank_say_why_together(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    edit(monkeypatch, "far", rank=None, unranked="KID (Lite0) has no known error")
    at = visit()
    assert frame(at).set_index("Model").loc["far", "Rank"] == "not ranked"
    assert "**far**: no rank; KID (Lite0) has no known error." in words(at)


def test_other_metrics_wait_for_the_toggle(table: list[Evaluation]) -> None:
    at = visit()
    assert not [c for c in frame(at).columns if c.startswith(("IS", "Precision", "Coverage", "Copies"))]
    at = at.toggle(key="lb_more").set_value(True).run()
    assert {"IS (Lite0)", "Precision (Lite0)", "Recall (Lite0)", "Density (Lite0)", "Coverage (Lite0)", "Copies"} <= set(
        frame(at).columns
    )


def test_filters_come_from_the_address(table: list[Evaluation]) -> None:
    assert list(frame(visit(lb_yardsticks="false"))["Model"]) == ["near", "far"]
    assert list(frame(visit(lb_find="NEA", lb_yardsticks="false"))["Model"]) == ["near"]
    at = visit(lb_kind="Folders", lb_yardsticks="false")
    assert "No row is left by this choice." in words(at)


def test_rows_of_other_conditions_stand_in_a_table_of_their_own(table: list[Evaluation]) -> None:
    results.record(toys.evaluation("few", toys.draw(32, 3), REF))
    at = visit()
    assert list(frame(at, "lb_table_1")["Model"]) == ["few"] and "few" not in list(frame(at)["Model"])
    assert "number of generated images 32 instead of 64" in words(at)


def test_of_many_rows_the_first_are_shown_and_the_rest_is_counted(
    monkeypatch: pytest.MonkeyPatch, table: list[Evaluation]
) -> None:
    monkeypatch.setattr(scores, "MOST_ROWS", 3)
    at = visit()
    assert len(frame(at)) == 3 and "3 of 4 rows are shown" in words(at)


def test_the_export_has_every_row_of_the_choice(table: list[Evaluation]) -> None:
    assert {b.label for b in visit().get("download_button")} >= {"CSV", "Markdown", "LaTeX", "JSON", "Interactive figure (HTML)"}
    rows = leaderboard.rows("toys", "lite0")
    assert [r["model"] for r in json.loads(carrying.text(rows, "json"))] == [r["model"] for r in rows]
    assert all(str(rows[0]["terms"])[:12] in carrying.text(rows, form) for form in ("md", "latex"))


def test_a_click_on_a_row_opens_its_details(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    clicked = SimpleNamespace(selection=SimpleNamespace(rows=[1]))
    state: dict[str, Any] = {"t": clicked}
    monkeypatch.setattr(score_table.st, "session_state", state)
    score_table._chosen("t", [None, None])
    assert state == {"t": clicked}, "a provisional row has no details"
    score_table._chosen("t", [None, 7])
    assert (state["lb_row"], state["lb_view"]) == (7, "details")


# --------------------------------------------------------------------------------------------------------- running


def test_a_running_evaluation_has_a_provisional_row_on_top(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    c = EvaluateConfig("coming", dataset="toys")
    job = Job("j", "evaluate", "Evaluate coming", ("python", "-m", *configs.to_argv(c)), "running", "now", done=300, total=2000)
    monkeypatch.setattr(jobs, "active", lambda kind=None: [job])
    monkeypatch.setattr(jobs, "read", lambda i: job)
    told = {"provisional_value": 0.1234, "provisional_error": 0.0051, "provisional_n": 256}
    monkeypatch.setattr(jobs, "history", lambda i: [{"done": 1}, told, {"done": 2}])
    at = visit()
    top = frame(at).iloc[0]
    assert (top["Rank"], top["Model"], top["KID (Lite0)"], top["n vs N_ref"]) == (
        "running",
        "coming",
        "0.1234 ± 0.0051",
        "first 256",
    )
    assert "its first 256 images only" in words(at)


def test_a_provisional_row_belongs_to_its_data_set_and_protocol_only(monkeypatch: pytest.MonkeyPatch, started: list[Any]) -> None:
    monkeypatch.setattr(jobs, "history", lambda i: [{"provisional_value": 0.1, "provisional_error": 0.0, "provisional_n": 256}])
    c = EvaluateConfig("m", dataset="petals", protocol="inception")
    job = Job("j", "evaluate", "t", ("python", "-m", *configs.to_argv(c)), "running", "now")
    assert evaluating.provisional([job], "petals", PROTOCOLS["lite0"]) == []
    assert evaluating.provisional([job], "toys", PROTOCOLS["inception"]) == []
    (row,) = evaluating.provisional([job], "petals", PROTOCOLS["inception"])
    assert (row["model"], row["value"], row["n"]) == ("m", 0.1, 256)


def test_a_first_number_runs_the_page_once_more_and_only_once(started: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it belongs to another table than the one that is open."""
    job = Job("j", "evaluate", "t", ("python", "-m", *configs.to_argv(EvaluateConfig("m", dataset="else"))), "running", "now")
    again: list[bool] = []
    monkeypatch.setattr(running, "bar", lambda job: None)
    monkeypatch.setattr(running, "watch", lambda ids, show: show(job))
    monkeypatch.setattr(evaluating.st, "rerun", lambda: again.append(True))
    told: list[dict[str, Any]] = [{"provisional_value": 0.1, "provisional_error": 0.0, "provisional_n": 256}]
    answers = [[], told]
    monkeypatch.setattr(jobs, "history", lambda i: answers.pop(0) if answers else told)
    evaluating.watch([job])
    assert again == [True]
    evaluating.watch([job])
    assert again == [True]


def test_a_command_of_another_version_is_no_config() -> None:
    c = EvaluateConfig("m", dataset="d", n=64)
    assert evaluating.recorded(configs.command(c)) == c
    assert evaluating.recorded("python -m core evaluate m --dataset=d --unheard-of=1") is None
    assert evaluating.recorded("python -m core cost-curve m") is None and evaluating.recorded("") is None


# --------------------------------------------------------------------------------------------------------- details

PICTURES: Arrays = {
    "samples": np.zeros((16, 8, 8, 3), np.uint8),
    "worst": np.zeros((3, 8, 8, 3), np.uint8),
    "worst_index": np.array([5, 1, 2]),
    "worst_effect": np.array([0.03, 0.02, 0.01]),
    "nearest_fake": np.zeros((2, 8, 8, 3), np.uint8),
    "nearest_real": np.ones((2, 8, 8, 3), np.uint8),
    "nearest_mirrored": np.array([True, False]),
    "nearest_ratio": np.array([0.1, 0.9]),
    "nearest_p": np.array([0.01, 0.5]),
}


def opened(part: str, monkeypatch: pytest.MonkeyPatch, found: Arrays | None = PICTURES, **query: str) -> Opened:
    monkeypatch.setattr(evaluate, "gallery", lambda e: found)
    return visit(lb_view="One row in detail", lb_part=part, **query)


def images(at: Opened) -> list[str]:
    return [i.caption for g in at.get("image") + at.get("imgs") for i in g.proto.imgs]


def test_details_open_on_the_best_model_with_its_samples(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened("Samples", monkeypatch)
    assert at.selectbox(key="lb_row").value == table[1].id
    assert "The first 16 of 64 images, seed 0." in words(at) and len(images(at)) == 1


def test_neighbours_are_pairs_that_say_when_they_are_mirrored(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    assert images(opened("Nearest training images", monkeypatch)) == ["ratio 0.10, p = 0.01, mirrored", "ratio 0.90, p = 0.5"]


def test_the_images_that_hurt_most_say_by_how_much(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened("Images that hurt most", monkeypatch)
    assert images(at) == ["+0.03, image 5", "+0.02, image 1", "+0.01, image 2"] and "raise KID (Lite0) most" in words(at)


def test_the_conditions_are_a_table_of_every_term(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    first, beside = frames(opened("Conditions", monkeypatch))
    told = dict(zip(first["Condition"], first["Value"], strict=True))
    assert told["number of generated images"] == "64" and told["parameters of the metric: degree"] == "3"
    assert told["fingerprint of all these conditions"] == table[1].scores["kid"].terms.hash
    assert "numpy" in list(beside["Condition"])


def test_history_holds_every_try(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    results.record(toys.evaluation("near", toys.draw(N, 7, 1.0, 0.3), REF, seed=7))
    (past,) = frames(opened("History", monkeypatch))
    assert list(past["Seed"]) == ["7", "0"]


def test_the_command_is_shown(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    assert table[1].command in [c.value for c in opened("Command", monkeypatch).code]


def test_pictures_that_are_gone_can_be_made_again(
    table: list[Evaluation], monkeypatch: pytest.MonkeyPatch, started: list[Any]
) -> None:
    at = opened("Samples", monkeypatch, None)
    assert "There are no pictures of this evaluation here" in words(at)
    click(at, "Evaluate again")
    assert started == [EvaluateConfig("near", dataset="toys")]


# -------------------------------------------------------------------------------------------------------- compared


def test_two_side_by_side_show_their_images_and_the_verdict(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "gallery", lambda e: PICTURES)
    at = visit(lb_view="Side by side")
    assert at.multiselect(key="lb_side").value == [table[1].id, table[2].id] and len(images(at)) == 2
    assert "All start from seed 0" in words(at)
    (verdicts,) = frames(at)
    assert dict(verdicts.iloc[0])["Verdict"] == "A is better" and float(verdicts.iloc[0]["Could be shown"]) > 0


def test_the_two_that_stand_there_first_can_be_compared(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "gallery", lambda e: None)
    results.record(toys.evaluation("most", toys.draw(96, 3), REF))
    assert visit(lb_view="Side by side").multiselect(key="lb_side").value == [table[1].id, table[2].id]


def test_equal_only_within_a_declared_margin(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "gallery", lambda e: PICTURES)
    twin = results.record(toys.evaluation("twin", toys.draw(N, 3, 1.0, 0.3), REF))
    at = visit(lb_view="Side by side")
    at = at.multiselect(key="lb_side").set_value([table[1].id, twin.id]).run()
    assert frames(at)[0].iloc[0]["Verdict"] == "undecided"
    at = at.number_input(key="lb_margin").set_value(5.0).run()
    assert frames(at)[0].iloc[0]["Verdict"] == "equal within the margin"


def test_what_cannot_be_compared_says_why(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "gallery", lambda e: None)
    few = results.record(toys.evaluation("few", toys.draw(32, 3), REF, seed=1))
    at = visit(lb_view="Side by side")
    at = at.multiselect(key="lb_side").set_value([table[1].id, few.id]).run()
    row = frames(at)[0].iloc[0]
    assert row["Verdict"] == "cannot be compared" and "number of generated images (64 and 32)" in words(at)
    assert "Their seeds differ" in words(at)


def test_why_two_rows_are_apart_starts_with_two_of_different_tables(table: list[Evaluation]) -> None:
    results.record(toys.evaluation("few", toys.draw(32, 3), REF))
    at = visit(lb_view="Why not ranked together?")
    (found,) = frames(at)
    assert found.set_index("Condition").loc["number of generated images"].tolist() == ["64", "32"]
    box = at.selectbox(key="lb_apart_B")
    box.select(next(o for o in box.options if o.startswith("far"))).run()
    assert "Nothing keeps them apart" in words(at)


def test_the_best_is_measured_on_a_seed_that_nobody_looked_at(table: list[Evaluation], started: list[Any]) -> None:
    at = visit()
    assert "2 evaluations of models are on record here; the best, near, was chosen on seed 0." in words(at)
    click(at, "Measure the best on a fresh seed")
    assert started == [EvaluateConfig("near", dataset="toys", seed=1)]


def test_a_copier_is_never_called_the_best(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    edit(monkeypatch, "near", flagged=True, copies=0.9, copies_low=0.8, copies_high=1.0)
    assert "the best, far, was chosen" in words(visit())
    assert [r["model"] for r in scores.best_models(leaderboard.rows())] == ["far"]


def test_a_report_on_another_seed_has_its_column(table: list[Evaluation]) -> None:
    results.record(toys.evaluation("near", toys.draw(N, 7, 1.0, 0.3), REF, seed=7))
    at = visit()
    assert "(seed 7)" in frame(at).set_index("Model").loc["near", "On another seed"]
    assert not [b for b in at.button if b.label == "Measure the best on a fresh seed"]


def test_quality_is_drawn_against_either_cost(table: list[Evaluation]) -> None:
    at = visit(lb_view="Quality and cost")
    assert "Of 2 rows, near has the lowest KID (Lite0)" in words(at) and "network evaluations an image" in words(at)
    at = visit(lb_view="Quality and cost", lb_cost="Seconds for 1,000 images")
    assert "s for 1,000 images" in words(at)


def test_methods_are_offered_where_trainings_share_an_experiment(
    table: list[Evaluation], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Methods" not in visit().segmented_control(key="lb_view").options
    row = {"rank": None, "rank_low": None, "rank_high": None, "why": "needs 3 trainings", "method": "ddpm abc", "trainings": 2}
    row |= {"kid": 0.5, "spread": 0.1, "error": 0.07, "seeds": "0: 0.4, 1: 0.6", "n": 64}
    monkeypatch.setattr(leaderboard, "methods", lambda dataset, protocol: [row])
    real = leaderboard.rows
    monkeypatch.setattr(leaderboard, "rows", lambda *a, **k: [r | {"experiment": "x"} for r in real(*a, **k)])
    (shown,) = frames(visit(lb_view="Methods"))
    assert shown.iloc[0]["Rank"] == "not ranked: needs 3 trainings" and shown.iloc[0]["Spread between trainings"] == "0.1"


# ------------------------------------------------------------------------------------------------------- protocols


def test_a_protocol_whose_weights_are_missing_says_where_they_go(
    table: list[Evaluation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.features.state", lambda name: "present" if name == "lite0" else "Its weights belong in FOLDER.")
    at = visit(lb_protocol="Inception, the number to publish")
    assert [w.value for w in at.warning] == ["Its weights belong in FOLDER. The protocol lite0 works without it."]
    assert not [b for b in at.button if b.label == "Measure the yardsticks"] and not at.expander[0].label.startswith("Evaluate")
    assert not visit().warning


def test_the_study_shows_what_was_published_and_ranks_nothing(table: list[Evaluation]) -> None:
    at = visit(lb_protocol="The study's protocol of 2024, never ranked")
    (printed,) = frames(at)
    assert list(printed["Approach"]) == ["random noise", "VAE", "diffusion"]
    assert "Never ranked" in words(at) and "FID-64 (study), Flowers102" in printed.columns


# ------------------------------------------------------------------------------------------- form, bundles, checks


@pytest.fixture
def photos(tmp_path: Path) -> str:
    """A small registered and prepared data set."""
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for i in range(30):
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(tmp_path / "photos" / f"{i}.png")
    datasets.add(AddConfig(str(tmp_path / "photos"), name="photos"))
    datasets.prepare(PrepareConfig("photos"))
    return "photos"


def test_the_form_says_what_the_click_will_cost(started: list[Any], monkeypatch: pytest.MonkeyPatch, photos: str) -> None:
    asked: list[EvaluateConfig] = []

    def expected(c: EvaluateConfig) -> evaluate.Expected:
        asked.append(c)
        return evaluate.Expected(250.0, 4000, 2048)

    monkeypatch.setattr(evaluate, "expected", expected)
    at = visit(lb_target="noise", lb_dataset=photos)
    assert asked == [EvaluateConfig("noise", dataset=photos)]
    assert "About 4 min 10 s: 2,048 images to draw and 4,000 images to measure" in words(at)
    click(at, "Evaluate")
    assert started == asked[:1]


def test_the_cost_of_a_real_command_is_known_before_the_click(started: list[Any], photos: str) -> None:
    at = visit(lb_target="noise", lb_dataset=photos)
    assert "2,048 images to draw" in words(at) and not at.error


def test_two_folders_are_compared(started: list[Any], photos: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "expected", lambda c: evaluate.Expected(None, 10, 0))
    at = visit(lb_target="noise", lb_dataset=photos)
    at = at.selectbox(key="lb_against").set_value(evaluating.ANOTHER).run()
    at = at.text_input(key="lb_reference").set_value(str(tmp_path)).run()
    assert "Nothing like it was timed on this machine yet: 10 images to measure" in words(at)
    click(at, "Evaluate")
    assert started == [EvaluateConfig("noise", dataset=str(tmp_path))]


def test_a_folder_that_is_not_there_is_one_sentence_in_the_form(started: list[Any], photos: str) -> None:
    at = visit(lb_target="no/such/folder", lb_dataset=photos)
    assert [e.value for e in at.error if "no/such/folder" in e.value]


def test_what_was_compared_with_a_folder_has_a_table_and_asks_for_its_path(table: list[Evaluation]) -> None:
    assert visit(lb_target="noise").selectbox(key="lb_against").options == [evaluating.ANOTHER]


def test_nothing_scored_offers_the_yardsticks(started: list[Any], photos: str) -> None:
    click(visit(lb_dataset=photos), "Measure the yardsticks")
    assert started == [EvaluateConfig("noise", dataset=photos)]


def panel(at: Opened, key: str) -> Opened:
    at.session_state[key] = True
    at = at.run()
    assert not at.exception, at.exception
    return at


def test_a_bundle_comes_back_with_its_counts(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    raw = carrying.packed("toys", "lite0")
    monkeypatch.setenv("STUDIO_CACHE", str(tmp_path / "other"))
    at = panel(visit(), "lb_carry")
    at = at.file_uploader(key="lb_bundle_file").set_value(("theirs.zip", raw, "application/zip")).run()
    at = click(at, "Import")
    assert "4 evaluations added, 0 known already." in words(at)
    assert {e.origin for e in results.read()} == {"theirs"}
    assert set(frame(visit())["Marks"]) == {"from theirs"}


@pytest.mark.parametrize("name", ["bad.zip", "../../bad.zip"])
def test_a_file_that_is_no_bundle_is_one_sentence_with_its_name(table: list[Evaluation], name: str) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as z:
        z.writestr("hello.txt", "x")
    at = panel(visit(), "lb_carry")
    at = at.file_uploader(key="lb_bundle_file").set_value((name, file.getvalue(), "application/zip")).run()
    at = click(at, "Import")
    (error,) = [e.value for e in at.error]
    assert error.startswith("Nothing of bad.zip was imported") and "/tmp" not in error
    assert len(results.read()) == 4


def test_the_self_test_shows_every_check(started: list[Any], monkeypatch: pytest.MonkeyPatch, table: list[Evaluation]) -> None:
    at = panel(visit(), "lb_check")
    click(at, "Run the self-test")
    assert started == [SelftestConfig()]
    checks = [
        {"name": "KID of equal sets", "expected": 0.0, "found": 1e-12, "tolerance": 1e-9, "ok": True},
        {"name": "FD of a translation", "expected": 4.0, "found": 5.0, "tolerance": 1e-9, "ok": False},
        {
            "name": "IS of few",
            "statement": "IS of 12 images is refused",
            "expected": "refused",
            "found": "refused",
            "tolerance": 0.0,
            "ok": True,
        },
    ]
    done = Job(
        "s", "selftest", "t", ("python", "-m", *configs.to_argv(SelftestConfig())), "done", "now", result={"checks": checks}
    )
    monkeypatch.setattr(running, "of", lambda c: done if isinstance(c, SelftestConfig) else None)
    at = panel(visit(), "lb_check")
    assert list(frames(at)[-1]["Result"]) == ["agrees", "DIFFERS", "agrees"] and "2 of 3 checks agree" in words(at)


def test_a_name_out_of_a_bundle_is_no_markdown(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    bad = "![x](http://far.away/pixel.png)"
    results.record(toys.evaluation(bad, toys.draw(N, 3, 1.0, 0.01), REF))
    edit(monkeypatch, bad, flagged=True, copies=0.9, copies_low=0.8, copies_high=1.0, disagrees=bad)
    monkeypatch.setattr(evaluate, "gallery", lambda e: None)
    for view in ("Values and errors", "Quality and cost", "Side by side", "One row in detail"):
        at = visit(lb_view=view)
        assert bad in list(frame(at)["Model"]) and "![x]" not in words(at)


def test_a_row_that_the_filter_hides_leaves_the_details_open(table: list[Evaluation], monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened("Command", monkeypatch)
    at = at.selectbox(key="lb_row").set_value(table[2].id).run()
    at = at.text_input(key="lb_find").set_value("near").run()
    assert not at.exception and table[2].command not in [c.value for c in at.code]


def test_an_address_of_nonsense_opens_the_page_all_the_same(table: list[Evaluation]) -> None:
    garbage = dict.fromkeys(
        ("lb_view", "lb_row", "lb_side", "lb_kind", "lb_more", "lb_part", "lb_cost", "lb_size", "lb_by", "lb_apart_A"), "../<x>"
    )
    assert list(frame(visit(**garbage))["Model"])


def test_the_name_of_a_row_tells_it_from_every_other() -> None:
    r = {"model": "m", "sampler": "ddim, 5 steps", "n": 2048, "evaluation": 7}
    assert scores.name(r) == "m · ddim, 5 steps · n = 2,048 · #7"
