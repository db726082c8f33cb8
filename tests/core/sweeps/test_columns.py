import pytest

from core.errors import DataError
from core.sweeps import columns

# fmt: off
RESULTS = [
    "val_loss", "loss", "train_loss_epoch", "loss.min", "valLoss", "val/accuracy", "test_acc", "fid", "KID", "rmse",
    "metrics.x", "summary/my", "value", "objective", "val_precision",
]
SETTINGS = [
    "learning_rate", "loss_weight", "precision", "val_split", "test_size", "epochs", "latent", "beta_kl", "density",
    "config.loss", "params_error", "score_fn", "losses",
]
# fmt: on


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("-7", -7), ("+2", 2), ("1e-5", 1e-5), ("1E5", 1e5), (" .5 ", 0.5), ("5.", 5.0), ("007", 7), ("1e0", 1.0)]
    + [
        (t, None)
        for t in ("", "nan", "NaN", "inf", "-inf", "Infinity", "None", "null", "1_000", "1,5", "0x1f", "adam", "1e999", "--1")
    ],
)
def test_numbers_are_read_from_text_and_nothing_else_is(text: str, value: float | None) -> None:
    found = columns.number(text)
    assert found == value and type(found) is type(value)


def test_an_integer_too_long_for_a_double_is_a_float_and_one_beyond_it_is_no_number() -> None:
    assert columns.number("9" * 30) == 1e30
    assert columns.number("9" * 5000) is None


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "2", ""], [1, 2, None]),
        (["1", "2.5", "nan"], [1.0, 2.5, None]),
        (["true", "False", "-"], [True, False, None]),
        (["1", "auto"], ["1", "auto"]),
        (["true", "1"], ["true", "1"]),
        ([" adam ", "None"], ["adam", None]),
        (["inf", "-Infinity"], [None, None]),
    ],
)
def test_a_column_is_of_one_kind(cells: list[str], values: list[object]) -> None:
    found = columns.convert(cells)
    assert found == values
    assert [type(v) for v in found] == [type(v) for v in values]


@pytest.mark.parametrize("name", RESULTS)
def test_names_of_results_are_known(name: str) -> None:
    assert columns.named_like_metric(name)


@pytest.mark.parametrize("name", SETTINGS)
def test_names_of_settings_are_not_taken_for_results(name: str) -> None:
    assert not columns.named_like_metric(name)


@pytest.mark.parametrize(
    ("name", "better"), [("val_loss", "lower"), ("val_acc", "higher"), ("psnr.max", "higher"), ("fid", "lower"), ("x", "lower")]
)
def test_the_better_direction_goes_by_name(name: str, better: str) -> None:
    assert columns.direction(name) == better


def table(**cells: str) -> dict[str, list[str]]:
    return {name: text.split(",") for name, text in cells.items()}


def test_roles_settings_and_results_are_told_apart() -> None:
    found = columns.classify(
        {"Name": ["a", "b"], "State": ["finished", "crashed"], "Created": ["1", "2"], "Notes": ["", ""], "_step": ["1", "2"]}
        | table(lr="1e-3,1e-2", epoch="3,4", empty=",", train_loss="1,2", val_loss="3,NaN")
    )
    assert found.roles == {"name": "Name", "state": "State", "created_at": "Created"}
    assert found.params == ("lr",)
    assert found.metrics == ("val_loss", "train_loss")
    assert found.notes == ("Left out: Notes, _step, epoch, empty.",)


def test_a_loss_that_is_a_word_is_a_setting() -> None:
    found = columns.classify(table(loss="huber,l2", val_loss="1,2"))
    assert (found.params, found.metrics) == (("loss",), ("val_loss",))


@pytest.mark.parametrize(
    ("names", "leading"),
    [
        ("train_loss,val_acc,val_loss", "val_loss"),
        ("loss,val_acc", "val_acc"),
        ("train_loss,loss", "loss"),
        ("fid,objective", "objective"),
    ],
)
def test_what_was_validated_leads(names: str, leading: str) -> None:
    found = columns.classify({"lr": ["1", "2"]} | {n: ["1", "2"] for n in names.split(",")})
    assert found.metrics[0] == leading


def test_a_metric_can_be_named_and_then_leads() -> None:
    cells = table(lr="1,2", latent="3,4", val_loss="5,6")
    found = columns.classify(cells, "latent")
    assert (found.params, found.metrics) == (("lr",), ("latent", "val_loss"))
    assert columns.classify(table(lr="1,2", id="3,4"), "id").metrics == ("id",)


def test_without_a_named_result_the_last_numbers_are_one_and_it_is_said() -> None:
    found = columns.classify(table(lr="1,2", outcome="5,6", opt="a,b"))
    assert (found.params, found.metrics) == (("lr", "opt"), ("outcome",))
    assert "'outcome'" in found.notes[0]


def test_a_result_that_no_run_reached_does_not_lead() -> None:
    found = columns.classify(table(lr="1,2", outcome="5,6", val_loss="nan,"))
    assert found.metrics == ("outcome", "val_loss")


def test_a_table_without_numbers_is_refused() -> None:
    with pytest.raises(DataError, match="no column of numbers"):
        columns.classify(table(opt="a,b", act="c,d"))


def test_a_metric_that_is_no_column_or_holds_words_is_refused() -> None:
    with pytest.raises(DataError, match="no column named 'fid'; known: lr, opt"):
        columns.classify(table(lr="1,2", opt="a,b"), "fid")
    with pytest.raises(DataError, match="'opt' holds words"):
        columns.classify(table(lr="1,2", opt="a,b"), "opt")
