import dataclasses
import importlib

from core.families import FAMILIES


def test_every_row_names_a_module_that_draws_and_if_trained_builds_its_network() -> None:
    for name, family in FAMILIES.items():
        module = importlib.import_module(family.module)
        assert family.name == name and callable(module.walk)
        assert family.trained == (family.config is not None) == hasattr(module, "network")
        assert hasattr(module, "fit") == hasattr(module, "recipe")


def test_architecture_names_knobs_of_the_config() -> None:
    for family in FAMILIES.values():
        if family.config is not None:
            assert set(family.architecture) <= {f.name for f in dataclasses.fields(family.config)}
