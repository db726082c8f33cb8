"""Fine-tuning: what a training takes from the model that it starts from."""

from dataclasses import MISSING, fields, replace
from typing import Any, TypeVar

from core import configs, models
from core.configs import TrainingConfig
from core.errors import ConfigError, ModelError
from core.families import FAMILIES

C = TypeVar("C", bound=TrainingConfig)


def based(c: C) -> C:
    """The config with the architecture of its base, and the base under its present id; itself where there is no base.

    ModelError for a base that is unknown or of another family, ConfigError for a knob that asks for another architecture.
    """
    if not c.base:
        return c
    card, family = models.card(c.base), FAMILIES[c.VERB[-1]]
    if card.family != family.name:
        wanted = FAMILIES[card.family]
        hint = f"train it with `{wanted.config.VERB[-1]}`" if wanted.config else "choose a trained model"
        raise ModelError(f"{card.id} is a model of the family '{card.family}', not '{family.name}': {hint}.")
    trained = models.training_config(card)
    taken = {k: getattr(trained, k) for k in family.architecture}
    for f in fields(c):
        mine = getattr(c, f.name)
        if f.name in taken and mine not in (taken[f.name], None if f.default is MISSING else f.default):
            word = configs.flag(f)
            raise ConfigError(f"{word} is {mine}; {card.id} has {taken[f.name]} and fine-tuning keeps it: leave {word} out.")
    return replace(c, base=card.id, **taken)


def start(c: TrainingConfig, network: Any) -> None:
    """Puts the base's averaged weights into the network: every one of them, or an error."""
    if c.base:
        network.load_state_dict(models.network(models.card(c.base)).state_dict(), strict=True)
