import argparse
import dataclasses
from typing import Any

import pytest

from core import configs
from core.configs import (
    AddConfig,
    CostConfig,
    DDPMConfig,
    EvaluateConfig,
    ImportConfig,
    LatentConfig,
    PrepareConfig,
    ResplitConfig,
    SampleConfig,
    SelftestConfig,
    VAEConfig,
)
from core.errors import ConfigError

EXAMPLES = [
    AddConfig("photos", name="mine"),
    AddConfig("-a folder with spaces", name="-odd"),
    AddConfig("celeba", name="faces8189", subset="first", split="identity", prepare=True),
    PrepareConfig("petals", size=64),
    ResplitConfig("mine", name="mine-clean", without_leaks=True),
    VAEConfig(dataset="petals"),
    VAEConfig(dataset="petals", latent=64, learning_rate=1e-05, flips=False, name="x"),
    DDPMConfig(dataset="flowers5", steps=300, prediction="epsilon", ema=0.0),
    SampleConfig("m", n=3, seed=7, weights="raw", sampler="ddim", steps=20, eta=0.5),
    EvaluateConfig("C:\\photos\\made ones", dataset="petals", n=300),
    CostConfig("m", dataset="petals", samplers="ddim,euler-a", evaluations="5,10", margin=0.05),
    EvaluateConfig("m", dataset="../photos", size=64, extractor_weights="w.pth", trust_sha256="ab"),
    SelftestConfig(),
    ImportConfig("hub:google/ddpm-cifar10-32", name="google"),
    LatentConfig("vae-petals-1", show="encode", image="a face.png"),
    DDPMConfig(dataset="petals", base="google", imported='{"unet": {"a": [1, null]}}', devices=2),
]


@pytest.mark.parametrize("c", EXAMPLES, ids=lambda c: type(c).__name__)
def test_every_config_survives_its_own_command_line(c: Any) -> None:
    assert configs.from_argv(type(c), configs.to_argv(c)) == c


def test_every_kind_of_config_is_among_the_examples() -> None:
    assert {type(c) for c in EXAMPLES} == set(configs.CONFIGS)


@pytest.mark.parametrize("cls", configs.CONFIGS)
def test_every_knob_says_what_it_is(cls: Any) -> None:
    assert all(f.metadata["help"] for f in dataclasses.fields(cls))


@pytest.mark.parametrize("cls", configs.CONFIGS)
def test_defaults_stand_in_their_own_range(cls: Any) -> None:
    needed = {f.name: "x" for f in dataclasses.fields(cls) if f.default is dataclasses.MISSING}
    cls(**needed)


def test_a_flag_may_have_another_name_than_its_knob() -> None:
    assert configs.command(VAEConfig(dataset="petals", base="old")) == "python -m trainers vae --dataset=petals --from=old"


def test_a_partial_command_line_holds_only_what_was_given() -> None:
    parser = argparse.ArgumentParser()
    configs.add_arguments(parser, VAEConfig, partial=True)
    assert vars(parser.parse_args(["--from", "old", "--no-flips"])) == {"base": "old", "flips": False}


def test_a_command_names_only_what_is_not_at_its_default() -> None:
    assert configs.command(SampleConfig("m", n=4)) == "python -m core sample m --n=4"


@pytest.mark.parametrize(
    ("knobs", "says"),
    [
        ({"latent": 0}, "latent is 0; needed: 1 to 512."),
        ({"learning_rate": float("nan")}, "learning-rate is nan"),
        ({"learning_rate": "fast"}, "learning-rate is 'fast'; needed: float."),
        ({"epochs": 2.5}, "epochs is 2.5; needed: int."),
        ({"flips": 1}, "flips is 1; needed: bool."),
    ],
)
def test_a_knob_out_of_its_range_or_kind_is_refused_in_one_sentence(knobs: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        VAEConfig(dataset="petals", **knobs)


def test_an_unknown_choice_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="known: v_prediction, epsilon"):
        DDPMConfig(dataset="petals", prediction="x0")


def test_a_whole_number_is_taken_for_a_float_knob() -> None:
    assert VAEConfig(dataset="petals", beta=2).beta == 2.0


def test_an_unknown_flag_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as e:
        configs.from_argv(VAEConfig, ("trainers", "vae", "--dataset=petals", "--lattent=3"))
    assert e.value.code == 2


def test_a_card_with_a_knob_that_is_gone_still_reads() -> None:
    values = configs.as_dict(VAEConfig(dataset="petals", latent=8)) | {"gone": 1}
    assert configs.from_dict(VAEConfig, values) == VAEConfig(dataset="petals", latent=8)


def test_the_help_of_every_config_can_be_printed() -> None:
    for cls in configs.CONFIGS:
        parser = argparse.ArgumentParser()
        configs.add_arguments(parser, cls)
        assert "--" in parser.format_help()
