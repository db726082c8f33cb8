"""A diffusers folder: a U-Net that draws RGB squares from nothing but noise, and the noise that it was trained with.

Nested as `save_pretrained` writes a DDPMPipeline (unet/, scheduler/), or flat as google/ddpm-cifar10-32 and a folder with nothing
but a U-Net and its scheduler_config.json.
"""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.configs import DDPMConfig
from core.errors import ModelError
from core.importers import reading
from core.importers.reading import Found, Tensors
from core.models import SIZES
from core.sampling import TRAIN_STEPS
from core.types import canonical

INDEX, CONFIG, SCHEDULER = "model_index.json", "config.json", "scheduler_config.json"
WEIGHTS = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")
"""In the order in which they are taken."""

BLOCKS = frozenset(
    (*("DownBlock2D", "AttnDownBlock2D", "ResnetDownsampleBlock2D"), *("UpBlock2D", "AttnUpBlock2D", "ResnetUpsampleBlock2D"))
)
COSINE = "squaredcos_cap_v2"
SCHEDULES = ("linear", "scaled_linear", COSINE)
UNUSED = {"num_train_timesteps": TRAIN_STEPS, "beta_start": 1e-4, "beta_end": 0.02}
"""What a scheduler is given where other settings decide; the ends are those of Ho et al. 2020."""
PREDICTIONS = ("epsilon", "v_prediction")
OLD_NAMES = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
"""Of an attention block's weights, up to diffusers 0.15 -> since."""


def is_folder(folder: Path) -> bool:
    return any(reading.inside(folder, name) for name in (INDEX, CONFIG, f"unet/{CONFIG}"))


def read(folder: Path) -> Found:
    """The model of the folder. ModelError, in one sentence, for what is no such model or is not whole."""
    _check_parts(folder)
    nested = reading.inside(folder, f"unet/{CONFIG}") is not None
    unet = _unet(reading.document(_needed(folder, f"unet/{CONFIG}" if nested else CONFIG)), folder)
    noise, prediction = _noise(reading.document(_scheduler(folder, nested)), folder)
    widths, size = unet["block_out_channels"], unet["sample_size"]
    config = {
        "size": size,
        "channels": "-".join(map(str, widths)),
        "layers": unet["layers_per_block"],
        "prediction": prediction,
        "dropout": unet["dropout"],
        "imported": canonical({"unet": unet, "scheduler": noise}),
    }
    if noise["beta_schedule"] in DDPMConfig.__dataclass_fields__["schedule"].metadata["choices"]:
        config["schedule"] = noise["beta_schedule"]
    network = reading.skeleton("ddpm", config)
    place = folder / "unet" if nested else folder
    file = next((f for name in WEIGHTS if (f := reading.inside(folder, f"unet/{name}" if nested else name))), None)
    if file is None:
        raise ModelError(f"{place} has no weights; needed beside its {CONFIG}: {' or '.join(WEIGHTS)}.")
    state = reading.tensors(file) if file.name == WEIGHTS[0] else reading.as_tensors(reading.unpickled(file), file)
    return Found("ddpm", config, {"ema": reading.fitted(_renamed(state), network, file)})


def _needed(folder: Path, name: str) -> Path:
    file = reading.inside(folder, name)
    if file is None:
        raise ModelError(f"{folder} has no {name}; give a whole diffusers folder.")
    return file


def _check_parts(folder: Path) -> None:
    """A U-Net that draws an autoencoder's codes looks like one that draws images; the list of parts tells them apart."""
    index = reading.inside(folder, INDEX)
    parts = {k for k in reading.document(index) if not k.startswith("_")} if index else set()
    if parts - {"unet", "scheduler"}:
        more = reading.shown(", ".join(sorted(parts - {"unet", "scheduler"})))
        raise ModelError(f"{folder} is a pipeline with more parts ({more}); needed: one of a U-Net and a scheduler alone.")


def _scheduler(folder: Path, nested: bool) -> Path:
    name = f"scheduler/{SCHEDULER}" if nested else SCHEDULER
    file = reading.inside(folder, name)
    if file is None:
        raise ModelError(
            f"{folder} has no {name}, so which noise the network was trained with is not known; "
            "give the whole pipeline's folder, or add the file."
        )
    return file


def _unet(config: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Every setting of UNet2DModel, those that the file leaves out at their defaults."""
    from diffusers.models.unets.unet_2d import UNet2DModel

    given = {k: v for k, v in config.items() if not k.startswith("_")}
    defaults = {k: p.default for k, p in inspect.signature(UNet2DModel.__init__).parameters.items() if k != "self"}
    wrong = _wrong(config, given, defaults)
    if wrong:
        raise ModelError(f"The network of {folder} cannot be imported: {wrong}.")
    unet = {**defaults, **given, "sample_size": _side(given["sample_size"])}
    wrong = _unbuildable(unet)
    if wrong:
        raise ModelError(f"The network that {folder} describes cannot be built ({wrong}); get the folder again.")
    return unet


def _wrong(config: Mapping[str, Any], given: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """What is not supported of the settings; "" where all is."""
    if config.get("_class_name") != "UNet2DModel":
        return f"it is a {reading.shown(config.get('_class_name') or 'network of no stated class')}, needed: a UNet2DModel"
    strange = sorted(given.keys() - defaults.keys())
    if strange:
        return f"its setting '{reading.shown(strange[0])}' is not known to the installed diffusers; update that"
    unet = {**defaults, **given}
    side, shown = _side(unet["sample_size"]), {k: reading.shown(v) for k, v in unet.items()}
    if type(side) is not int or not SIZES[0] <= side <= SIZES[1]:
        return f"its sample_size is {shown['sample_size']}, needed: squares of {SIZES[0]} to {SIZES[1]} pixels"
    if (unet["in_channels"], unet["out_channels"]) != (3, 3):
        return f"it makes {shown['out_channels']} channels of {shown['in_channels']}, needed: RGB images, 3 of 3"
    if unet["class_embed_type"] is not None or unet["num_class_embeds"] is not None:
        return "it draws images of a class that is asked for, needed: an unconditional one"
    if unet["time_embedding_type"] != "positional":
        return f"its time_embedding_type is {shown['time_embedding_type']}, needed: positional, as for 1000 timesteps"
    return _wrong_shape(unet)


def _side(size: Any) -> Any:
    """The side of a square that is given as one number or as two."""
    return size[0] if isinstance(size, list) and len(size) == 2 and size[0] == size[1] else size


def _wrong_shape(unet: Mapping[str, Any]) -> str:
    widths, layers = unet["block_out_channels"], unet["layers_per_block"]
    if (
        not isinstance(widths, list | tuple)
        or not all(type(w) is int and 1 <= w <= 4096 for w in widths)
        or not 1 <= len(widths) <= 8
    ):
        return f"its block_out_channels are {reading.shown(widths)}, needed: 1 to 8 numbers up to 4096"
    low, high = (DDPMConfig.__dataclass_fields__["layers"].metadata[k] for k in ("low", "high"))
    if type(layers) is not int or not low <= layers <= high:
        return f"its layers_per_block is {reading.shown(layers)}, needed: {low} to {high}"
    for side in ("down_block_types", "up_block_types"):
        types = unet[side]
        if not isinstance(types, list | tuple) or len(types) != len(widths) or not BLOCKS.issuperset(map(str, types)):
            known = ", ".join(sorted(BLOCKS))
            return f"its {side} are {reading.shown(types)}, needed: as many as block_out_channels, each of {known}"
    return ""


def _unbuildable(unet: Mapping[str, Any]) -> str:
    """Why the network cannot be made, or does not turn an image into one of its size; "" if it does. Costs no arithmetic."""
    import torch
    from diffusers.models.unets.unet_2d import UNet2DModel

    try:
        with torch.device("meta"):
            image = torch.empty(1, 3, unet["sample_size"], unet["sample_size"])
            drawn = UNet2DModel(**unet)(image, torch.tensor(0)).sample
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError, RuntimeError, NotImplementedError) as e:
        return reading.shown(e) or type(e).__name__
    return "" if drawn.shape == image.shape else f"an image becomes {tuple(drawn.shape)}"


def _noise(config: Mapping[str, Any], folder: Path) -> tuple[dict[str, Any], str]:
    """The betas as DDPMScheduler takes them, and what the network predicts."""
    betas, schedule = config.get("trained_betas"), config.get("beta_schedule")
    ends = {k: config.get(k) for k in ("beta_start", "beta_end")}
    said = {k: reading.shown(v) for k, v in config.items()}
    prediction = config.get("prediction_type", "epsilon")  # files older than the setting
    wrong = ""
    if config.get("num_train_timesteps") != TRAIN_STEPS:
        wrong = f"num_train_timesteps is {said.get('num_train_timesteps')}, needed: {TRAIN_STEPS}"
    elif prediction not in PREDICTIONS:
        wrong = f"prediction_type is {said.get('prediction_type')}, needed: {' or '.join(PREDICTIONS)}"
    elif config.get("rescale_betas_zero_snr"):
        wrong = "rescale_betas_zero_snr is set, needed: a noise that leaves a trace of the image"
    elif betas is not None and not (isinstance(betas, list) and len(betas) == TRAIN_STEPS and all(map(_beta, betas))):
        wrong = f"trained_betas are not {TRAIN_STEPS} numbers between 0 and 1"
    elif betas is None and schedule not in SCHEDULES:
        wrong = f"beta_schedule is {said.get('beta_schedule')}, needed: {', '.join(SCHEDULES)}"
    elif betas is None and schedule != COSINE and not all(map(_beta, ends.values())):
        wrong = (
            f"beta_start and beta_end are {said.get('beta_start')} and {said.get('beta_end')}, needed: numbers between 0 and 1"
        )
    if wrong:
        raise ModelError(f"The noise that {folder} was trained with cannot be imported: {wrong}.")
    if betas is not None:
        return {**UNUSED, "beta_schedule": "linear", "trained_betas": betas}, prediction
    return {**UNUSED, **({} if schedule == COSINE else ends), "beta_schedule": schedule}, prediction


def _beta(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value < 1


def _renamed(state: Tensors) -> Tensors:
    """With today's names of the weights of attention blocks."""

    def today(key: str) -> str:
        for old, new in OLD_NAMES.items() if ".attentions." in key else ():
            key = key.replace(old, new)
        return key

    return {today(k): t for k, t in state.items()}
