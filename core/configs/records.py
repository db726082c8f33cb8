"""Every config of the studio: a verb and its knobs."""

from dataclasses import dataclass
from typing import Any

from core.configs.knobs import Config, knob

# ------------------------------------------------------------------------------------------------------------ data


@dataclass(frozen=True)
class AddConfig(Config):
    """A data set under a name: where its files are, which of them, how they are cropped, resized and split."""

    VERB = ("core", "datasets", "add")
    source: str = knob(help="folder or .zip of images, of any depth; flowers102; celeba; or hub:OWNER/NAME", positional=True)
    name: str = knob(help="name of the data set in the studio")
    split: str = knob(
        "auto",
        "80/10/10 at random; the source's own; or no person in two splits. auto: a folder's own train/, val/, test/, else random",
        choices=("auto", "random", "own", "identity"),
    )
    split_file: str = knob("", "own splits: CSV with the columns file and split, or folder with train.txt, val.txt and test.txt")
    subset: str = knob("all", "which of its images", choices=("all", "first", "random"))
    n: int = knob(8189, "images of a subset", low=6, high=10**9)
    seed: int = knob(42, "seed of random splits and random subsets", low=0, high=2**31 - 1)
    crop: str = knob("centre", "the middle square, or the whole image squeezed into one", choices=("centre", "squeeze"))
    resize: str = knob("box", "how it is made small", choices=("box", "bilinear", "bicubic", "lanczos"))
    root: str = knob("", "folder that holds a published set as torchvision lays it out (default: downloads of the cache)")
    config: str = knob("", "configuration of a data set on the Hub")
    revision: str = knob("main", "branch, tag or commit of a data set on the Hub")
    image_column: str = knob("", "column of a data set on the Hub that holds the images (default: the first of images)")
    label_column: str = knob("", "column that holds the classes (default: the first of class labels)")
    prepare: bool = knob(False, "prepare it at 32 px right away")


@dataclass(frozen=True)
class PrepareConfig(Config):
    VERB = ("core", "datasets", "prepare")
    name: str = knob(help="name of the data set", positional=True)
    size: int = knob(32, "side of the prepared images in pixels", low=8, high=256)


@dataclass(frozen=True)
class ResplitConfig(Config):
    """The same files under another name, in another split."""

    VERB = ("core", "datasets", "resplit")
    dataset: str = knob(help="data set to split anew", positional=True)
    name: str = knob(help="name of the new data set")
    without_leaks: bool = knob(False, "keep its split, but images with a copy in another split all go into training")
    seed: int = knob(42, "seed of a random split, in which copies may part", low=0, high=2**31 - 1)
    size: int = knob(32, "side in pixels at which copies are looked for", low=8, high=256)


# ---------------------------------------------------------------------------------------------------------- models


@dataclass(frozen=True)
class ImportConfig(Config):
    """A foreign checkpoint into the model store: safetensors and a card; nothing that it holds is executed."""

    VERB = ("core", "models", "import")
    source: str = knob(help="checkpoint file, diffusers folder, or hub:google/ddpm-cifar10-32", positional=True)
    name: str = knob("", "id of the model (default: from the file's name)")
    dataset: str = knob("", "data set of the studio that it was trained on, if one was")


@dataclass(frozen=True)
class LatentConfig(Config):
    """What a VAE makes of its codes: pictures of reconstructions, of the plane of codes, of the way between two images."""

    VERB = ("core", "latent")
    model: str = knob(help="a VAE of the studio", positional=True)
    show: str = knob("reconstructions", "what is shown", choices=("reconstructions", "manifold", "interpolation", "encode"))
    dataset: str = knob("", "data set whose validation images are taken (default: the one the model was trained on)")
    image: str = knob("", "image file to encode")
    seed: int = knob(0, "which images are taken", low=0, high=2**31 - 1)


# -------------------------------------------------------------------------------------------------------- training


@dataclass(frozen=True)
class TrainingConfig(Config):
    """What both families of trained models share: data, start, randomness, devices, name."""

    dataset: str = knob(help="data set to train on")
    size: int = knob(32, "side of the images in pixels, a multiple of 4", low=8, high=256)
    base: str = knob("", "model whose weights and architecture the training starts from (fine-tuning)", flag="from")
    resume: str = knob("", "go on with the training that was started under this name (or job id), from its last checkpoint")
    flips: bool = knob(True, "mirror training images at random")
    seed: int = knob(0, "seed of weights, order and noise", low=0, high=2**31 - 1)
    seeds: int = knob(1, "trainings one after the other, each with the next seed, as one experiment", low=1, high=100)
    precision: str = knob(
        "auto",
        "number format: auto is bf16-mixed on GPUs that have it, else 32-true; 16-mixed needs CUDA",
        choices=("auto", "32-true", "bf16-mixed", "16-mixed"),
    )
    devices: int = knob(1, "devices of each machine (without a GPU: processes)", low=1, high=1024)
    num_nodes: int = knob(1, "machines; the same command runs on each", low=1, high=1024)
    strategy: str = knob("auto", "how Lightning spreads a training over devices", choices=("auto", "ddp"))
    wandb: str = knob(
        "auto",
        "Weights & Biases: auto logs where a key is set (offline where its server cannot be reached), and not without one",
        choices=("auto", "online", "offline", "off"),
    )
    wandb_project: str = knob("fidelio", "project that the run goes into")
    estimate: bool = knob(False, "train nothing: time a few steps and say how long the training would take")
    name: str = knob("", "name of the model (default: family-dataset-number); several seeds add -s0, -s1, ...")


@dataclass(frozen=True)
class VAEConfig(TrainingConfig):
    """The study's VAE, corrected: see core/families/vae.py."""

    VERB = ("trainers", "vae")
    latent: int = knob(2, "numbers in the latent code", low=1, high=512)
    beta: float = knob(1.0, "weight of the KL term (Higgins et al. 2017)", low=0.0, high=1e4)
    learning_rate: float = knob(1e-3, "AdamW's step size", low=1e-8, high=10.0)
    weight_decay: float = knob(1e-4, "AdamW's weight decay", low=0.0, high=10.0)
    batch: int = knob(128, "images a step", low=1, high=4096)
    epochs: int = knob(200, "passes over the training images, at most", low=1, high=10_000)
    patience: int = knob(10, "epochs without a better validation loss before stopping", low=1, high=10_000)


@dataclass(frozen=True)
class DDPMConfig(TrainingConfig):
    """A DDPM (Ho et al. 2020), by default a compact one that predicts v (Salimans and Ho 2022): see core/families/ddpm.py."""

    VERB = ("trainers", "ddpm")
    channels: str = knob(
        "32-64-64",
        "channels at each resolution, multiples of 16: 32-32-64 has 0.8 M weights, 32-64-64 1.1 M, 32-64-128 2.7 M",
        suggestions=("32-32-64", "32-64-64", "32-64-128"),
    )
    layers: int = knob(1, "residual blocks at each resolution", low=1, high=4)
    prediction: str = knob("v_prediction", "what the network predicts", choices=("v_prediction", "epsilon"))
    schedule: str = knob("linear", "how the noise grows with the timestep", choices=("linear", "squaredcos_cap_v2"))
    min_snr: float = knob(0.0, "cap of the loss's weight at low noise (Hang et al. 2023, who take 5); 0: off", low=0.0, high=1e4)
    steps: int = knob(6000, "optimiser steps, at most", low=1, high=10_000_000)
    epochs: int = knob(0, "passes over the training images instead of --steps (0: --steps counts)", low=0, high=100_000)
    learning_rate: float = knob(5e-4, "AdamW's step size after the warm-up; falls to 0 as a cosine", low=1e-8, high=10.0)
    weight_decay: float = knob(1e-4, "AdamW's weight decay", low=0.0, high=10.0)
    warmup: int = knob(200, "steps over which the step size grows from 0", low=0, high=100_000)
    batch: int = knob(64, "images a step", low=1, high=4096)
    accumulate: int = knob(1, "batches added up before one optimiser step", low=1, high=1000)
    ema: float = knob(0.999, "decay of the averaged weights, after its warm-up", low=0.0, high=0.99999)
    clip: float = knob(1.0, "largest gradient norm", low=1e-3, high=1e6)
    dropout: float = knob(0.0, "dropout in the residual blocks", low=0.0, high=0.9)
    check_every: int = knob(250, "steps between two validations, each with a checkpoint", low=1, high=1_000_000)
    patience: int = knob(30, "validations without a better loss before stopping", low=1, high=100_000)
    imported: str = knob("", "an imported network's own settings, as JSON", hidden=True)


# -------------------------------------------------------------------------------------------- sampling, evaluation


@dataclass(frozen=True)
class SampleConfig(Config):
    """How images are drawn. A leaderboard row is this less n and seed. `sampler=""` is the family's own default."""

    VERB = ("core", "sample")
    model: str = knob(
        help="model id, or noise, gaussian-pca@DATASET, copycat@DATASET (at another size: noise:64)", positional=True
    )
    n: int = knob(16, "number of images", low=1, high=1_000_000)
    seed: int = knob(0, "image i depends on (seed, i) only", low=0, high=2**31 - 1)
    weights: str = knob("ema", "averaged or last weights", choices=("ema", "raw"))
    sampler: str = knob("", "see `python -m core doctor`; models that draw in one step take none")
    steps: int = knob(0, "denoising steps (0: the sampler's default)", low=0, high=1000)
    grid: str = knob("", "which timesteps are visited (default: the sampler's)")
    eta: float = knob(0.0, "DDIM's noise share: 0 deterministic, 1 ancestral", low=0.0, high=1.0)


@dataclass(frozen=True)
class EvaluateConfig(Config):
    """Scores of a model or a folder of images against a data set under a protocol."""

    VERB = ("core", "evaluate")
    target: str = knob(help="model id, noise, gaussian-pca, copycat, or a folder of images", positional=True)
    dataset: str = knob(help="data set to compare with, or a folder of images")
    protocol: str = knob("lite0", "named rules, see `python -m core doctor`")
    n: int = knob(0, "number of generated images (0: the protocol's)", low=0, high=1_000_000)
    seed: int = knob(0, "seed of the generated images", low=0, high=2**31 - 1)
    weights: str = knob("ema", "averaged or last weights", choices=("ema", "raw"))
    sampler: str = knob("", "as for `sample`")
    steps: int = knob(0, "as for `sample`", low=0, high=1000)
    grid: str = knob("", "as for `sample`")
    eta: float = knob(0.0, "as for `sample`", low=0.0, high=1.0)
    size: int = knob(
        0,
        "side of the images (0: a model's own; a folder's, where all are squares of one size up to 256; else 32)",
        low=0,
        high=256,
    )
    extractor_weights: str = knob("", "another weight file for the extractor; one that is not its own needs --trust-sha256")
    trust_sha256: str = knob("", "sha256 of that file, in hex: it stands in the Terms")


@dataclass(frozen=True)
class CostConfig(Config):
    """How a diffusion model's score falls with the network evaluations an image, sampler by sampler."""

    VERB = ("core", "cost-curve")
    model: str = knob(help="id of a diffusion model", positional=True)
    dataset: str = knob(help="data set to compare with")
    protocol: str = knob("lite0", "named rules, see `python -m core doctor`")
    samplers: str = knob("ddim,unipc,dpmpp", "samplers with commas between, each on its default grid")
    evaluations: str = knob("10,20,50", "network evaluations an image, with commas between; the nearest that a sampler can take")
    n: int = knob(1024, "images of each; the first 256 are scored everywhere before more are drawn", low=64, high=100_000)
    seed: int = knob(0, "the same images' noise everywhere", low=0, high=2**31 - 1)
    reference: int = knob(250, "steps of the DDIM that all are compared with", low=1, high=1000)
    margin: float = knob(0.1, "difference that does not matter, as a share of the reference's score", low=0.001, high=1.0)


@dataclass(frozen=True)
class SelftestConfig(Config):
    """The closed-form checks of the metrics, live on the installed libraries."""

    VERB = ("core", "selftest")


CONFIGS: tuple[type[Any], ...] = (
    *(
        AddConfig,
        PrepareConfig,
        ResplitConfig,
        ImportConfig,
        LatentConfig,
        VAEConfig,
        DDPMConfig,
        SampleConfig,
        EvaluateConfig,
        CostConfig,
        SelftestConfig,
    ),
)
