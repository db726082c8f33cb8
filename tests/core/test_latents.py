"""What a VAE makes of images, with networks whose decodes are known in closed form."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from core import datasets, latents, models, paths, pixels
from core.configs import AddConfig, LatentConfig, PrepareConfig, VAEConfig
from core.datasets import reading
from core.errors import ConfigError, DataError, ModelError, StudioError
from core.families import vae
from core.types import ModelCard
from tests.core import tiny_models

TWO = VAEConfig(dataset="photos", size=8, latent=2)
SPREAD = 0.5  # of the colours that the known VAE decodes, a number of its code


@pytest.fixture(autouse=True)
def photos(tmp_path: Path) -> str:
    """80 small photos in two classes: 8 for validation."""
    rng = np.random.default_rng(0)
    for i in range(80):
        folder = tmp_path / "photos" / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(folder / f"{i}.png")
    datasets.add(AddConfig(str(tmp_path / "photos"), name="photos"))
    datasets.prepare(PrepareConfig("photos", size=8))
    return "photos"


def known() -> vae.ConvVAE:
    """Every image has mu = log_var = 0; the code (a, b) is decoded to red tanh(a / 2), green tanh(b / 2), blue 0, everywhere."""
    network = vae.ConvVAE(8, 2)
    state = {name: torch.zeros_like(t) for name, t in network.state_dict().items()}
    # Negative numbers pass the two ReLUs as channels of their own.
    for channel, (number, sign) in enumerate(((0, 1), (0, -1), (1, 1), (1, -1))):
        state["dec.0.weight"][channel * 4 : channel * 4 + 4, number] = sign
        # Of the transposed convolution's 4 x 4 taps just one row and column in two reach each pixel.
        state["dec.3.weight"][channel, channel, 1:3, 1:3] = 1
        state["dec.5.weight"][channel, number, 1:3, 1:3] = sign * SPREAD
    network.load_state_dict(state)
    return network


def published(tmp_path: Path, network: vae.ConvVAE | None = None, c: VAEConfig = TWO, name: str = "v", **more: Any) -> ModelCard:
    if network is None:
        return models.publish(
            replace(tiny_models.card(c, name), **more), tiny_models.weights(c, tmp_path / f"weights-{name}", seed=3)
        )
    folder = tmp_path / f"weights-{name}"
    folder.mkdir()
    save_file(network.state_dict(), folder / "ema.safetensors")
    return models.publish(replace(tiny_models.card(c, name), **more), folder)


def image_file(tmp_path: Path, pixels_: np.ndarray) -> str:
    file = tmp_path / "mine.png"
    Image.fromarray(pixels_).save(file)
    return str(file)


def decoded(card: ModelCard, codes: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        x = models.network(card).decode(torch.from_numpy(np.array(codes, np.float32)))
    return pixels.to_uint8(x.permute(0, 2, 3, 1).numpy())


# -------------------------------------------------------------------------------------------------------- manifold


def test_the_manifold_decodes_the_first_number_along_a_row_and_the_second_along_a_column(tmp_path: Path) -> None:
    found = latents.compute(LatentConfig(published(tmp_path, known()).id, show="manifold"))
    axis, images = found["axis"], found["images"]
    assert images.shape == (25, 25, 8, 8, 3) and images.dtype == np.uint8
    for row, column in ((0, 0), (3, 20), (24, 12), (12, 24)):
        colour = np.tanh(SPREAD * np.array([axis[column], axis[row], 0]))
        assert np.abs(images[row, column].astype(int) - pixels.to_uint8(colour)).max() <= 1


def test_on_the_sheet_the_first_number_grows_to_the_right_and_the_second_upwards(tmp_path: Path) -> None:
    found = latents.compute(LatentConfig(published(tmp_path, known()).id, show="manifold"))
    tiles, columns = latents.laid_out("manifold", found)
    assert tiles.shape == (625, 8, 8, 3) and columns == 25
    shades = tiles.mean(axis=(1, 2)).reshape(25, 25, 3)
    assert (np.diff(shades[:, :, 0], axis=1) > 0).all() and (np.diff(shades[:, :, 1], axis=0) < 0).all()
    row, column = latents.nearest(found["axis"], np.array([0.3, -0.5]))
    assert (shades[24 - row, column] == found["images"][row, column].mean(axis=(0, 1))).all()


def test_the_grid_lies_at_the_middles_of_equal_shares_of_the_normal_distribution() -> None:
    axis = latents.quantiles(latents.GRID)
    assert (np.diff(axis) > 0).all() and (axis == -axis[::-1]).all() and axis[12] == 0
    shares = [NormalDist().cdf(z) for z in axis]
    np.testing.assert_allclose(shares, (np.arange(25) + 0.5) / 25, atol=1e-12)


@pytest.mark.parametrize(("code", "place"), [((0.0, 0.0), (12, 12)), ((9.0, -9.0), (0, 24)), ((-9.0, 0.0), (12, 0))])
def test_the_nearest_decode_of_a_code_outside_is_at_the_edge(code: tuple[float, float], place: tuple[int, int]) -> None:
    assert latents.nearest(latents.quantiles(25), np.array(code)) == place


def test_only_codes_of_two_numbers_have_a_plane(tmp_path: Path) -> None:
    model = published(tmp_path, c=VAEConfig(dataset="photos", size=8, latent=3)).id
    with pytest.raises(ConfigError, match="have 3 numbers; a plane needs 2"):
        latents.compute(LatentConfig(model, show="manifold"))


def test_the_share_inside_counts_the_codes_within_the_outermost_decodes() -> None:
    axis = latents.quantiles(25)
    codes = np.array([[0, 0], [axis[-1], axis[0]], [0, 3], [-3, 0]])
    assert latents.share_inside({"axis": axis, "val_codes": codes}) == 0.5


# ----------------------------------------------------------------------------------------------- errors, KL, codes


def test_a_code_of_zeros_with_unit_variance_has_no_kl(tmp_path: Path) -> None:
    found = latents.compute(LatentConfig(published(tmp_path, known()).id))
    assert found["val_kl"].shape == (8, 2) and (found["val_kl"] == 0).all() and (found["val_codes"] == 0).all()


def test_kl_and_errors_add_up_to_the_loss_of_the_training(tmp_path: Path) -> None:
    card = published(tmp_path)
    found = latents.compute(LatentConfig(card.id))
    x = torch.from_numpy(pixels.to_signed(np.array(datasets.load("photos", "val", size=8).images))).permute(0, 3, 1, 2)
    network = models.network(card)
    with torch.no_grad():
        mu, log_var = network.encode(x)
        _, error, kl = vae.loss(x, network.decode(mu), mu, log_var, beta=1)
    assert found["val_errors"].mean() == pytest.approx(float(error), rel=1e-6)
    assert found["val_kl"].sum(axis=1).mean() == pytest.approx(float(kl), rel=1e-5)


def test_the_error_of_a_known_decode_is_its_distance_from_grey(tmp_path: Path) -> None:
    found = latents.compute(LatentConfig(published(tmp_path, known()).id))
    x = pixels.to_signed(np.array(datasets.load("photos", "val", size=8).images))
    np.testing.assert_allclose(found["val_errors"], (x**2).sum(axis=(1, 2, 3)), rtol=1e-5)
    assert latents.levels(3 * 8 * 8 * 1.0, 8) == pytest.approx(127.5)


def test_reconstructions_are_the_decodes_of_the_codes_of_images_that_the_seed_chooses(tmp_path: Path) -> None:
    card = published(tmp_path)
    real = datasets.load("photos", "val", size=8)
    one, two = (latents.compute(LatentConfig(card.id, seed=s)) for s in (0, 1))
    assert sorted(one["places"]) == list(range(8)) and (one["places"] != two["places"]).any()
    assert (one["originals"] == real.images[one["places"]]).all()
    np.testing.assert_allclose(one["images"].astype(int), decoded(card, one["val_codes"][one["places"]]), atol=1)
    sheet, columns = latents.laid_out("reconstructions", one)
    assert columns == 8 and (sheet[:8] == one["originals"]).all() and (sheet[8:] == one["images"]).all()


def test_labels_come_from_the_data_set_as_it_is_now(tmp_path: Path) -> None:
    found = latents.compute(LatentConfig(published(tmp_path).id))
    assert (found["val_labels"] == datasets.load("photos", "val", size=8).labels).all()


# ---------------------------------------------------------------------------------------------------- interpolation


@pytest.mark.parametrize("numbers", [2, 5])
def test_a_way_ends_at_the_codes_of_its_images_and_runs_straight(tmp_path: Path, numbers: int) -> None:
    card = published(tmp_path, c=replace(TWO, latent=numbers))
    found = latents.compute(LatentConfig(card.id, show="interpolation", seed=4))
    first, last = found["places"]
    assert first != last and found["codes"].shape == (13, numbers)
    assert (found["codes"][0] == found["val_codes"][first]).all() and (found["codes"][-1] == found["val_codes"][last]).all()
    np.testing.assert_allclose(found["codes"][6], (found["codes"][0] + found["codes"][-1]) / 2, atol=1e-6)
    np.testing.assert_allclose(found["images"].astype(int), decoded(card, found["codes"]), atol=1)


# ----------------------------------------------------------------------------------------------------------- encode


def test_an_image_is_prepared_as_the_data_set_is(tmp_path: Path) -> None:
    wide = np.random.default_rng(1).integers(0, 255, (30, 50, 3), dtype=np.uint8)
    file = image_file(tmp_path, wide)
    found = latents.compute(LatentConfig(published(tmp_path).id, show="encode", image=file))
    picture = reading.read(Path(file), 8)
    assert not isinstance(picture, str) and (found["original"] == picture.pixels).all()
    assert found["code"].shape == found["kl"].shape == (2,) and found["image"].shape == (8, 8, 3)


def test_a_validation_image_encoded_again_has_its_code_and_a_usual_error(tmp_path: Path) -> None:
    own = np.array(datasets.load("photos", "val", size=8).images[5])
    found = latents.compute(LatentConfig(published(tmp_path).id, show="encode", image=image_file(tmp_path, own)))
    np.testing.assert_allclose(found["code"], found["val_codes"][5], atol=1e-5)
    ratio, below = latents.beside_validation(found)
    assert ratio == pytest.approx(found["val_errors"][5] / np.median(found["val_errors"]), rel=1e-5)
    assert below == pytest.approx((found["val_errors"] < found["val_errors"][5]).mean(), abs=1 / 8)


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"", "empty file"), (b"not an image", "not a PNG"), (b"\x89PNG\r\n\x1a\n" + bytes(40), "not a PNG|damaged")],
)
def test_a_broken_upload_is_one_sentence_with_its_own_name_and_nothing_is_kept(data: bytes, says: str) -> None:
    with pytest.raises(DataError, match=f"me.png cannot be encoded: .*({says})"):
        latents.keep(data, "me.png", 8)
    assert not list(paths.store(latents.UPLOADS).iterdir())


def test_an_upload_is_kept_by_its_content_once(tmp_path: Path) -> None:
    data = Path(image_file(tmp_path, np.zeros((9, 9, 3), np.uint8))).read_bytes()
    kept = latents.keep(data, "../../evil.png", 8)
    assert kept == latents.keep(data, "other.png", 8) and kept.parent == paths.store(latents.UPLOADS)
    assert kept.read_bytes() == data and [p.name for p in kept.parent.iterdir()] == [kept.name]


def test_an_image_too_large_to_be_decoded_is_refused(tmp_path: Path) -> None:
    file = image_file(tmp_path, np.zeros((1, 5000, 3), np.uint8))
    with pytest.raises(DataError, match="5000 x 1 pixels; at most 4096"):
        latents.compute(LatentConfig(published(tmp_path).id, show="encode", image=file))


# ----------------------------------------------------------------------------------------------------- cache, rules


@pytest.mark.parametrize("show", ["reconstructions", "manifold", "interpolation", "encode"])
def test_what_is_in_the_cache_is_not_computed_again(tmp_path: Path, show: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = image_file(tmp_path, np.full((8, 8, 3), 9, np.uint8)) if show == "encode" else ""
    c = LatentConfig(published(tmp_path).id, show=show, image=image)
    assert latents.cached(c) is None
    first = latents.compute(c)

    def never(*given: Any) -> Any:
        raise AssertionError("the weights were loaded")

    monkeypatch.setattr(models, "network", never)
    for again in (latents.compute(c), latents.cached(c)):
        assert again is not None and first.keys() == again.keys()
        assert all((first[name] == again[name]).all() for name in first)


def test_the_same_weights_under_another_name_share_an_entry_and_others_do_not(tmp_path: Path) -> None:
    one = published(tmp_path, known(), name="one").id
    same = published(tmp_path, known(), name="same").id
    other = published(tmp_path, name="other").id
    keys = [latents.key(LatentConfig(m, show="manifold")) for m in (one, same, other)]
    assert keys[0] == keys[1] != keys[2]
    assert latents.key(LatentConfig(one, show="manifold", seed=7)) == keys[0]
    assert latents.key(LatentConfig(one)) != latents.key(LatentConfig(one, seed=7))


def test_nothing_is_cached_before_the_data_set_is_prepared(tmp_path: Path) -> None:
    c = VAEConfig(dataset="photos", size=12, latent=2)
    assert latents.cached(LatentConfig(published(tmp_path, c=c).id)) is None
    assert not datasets.card("photos", 12).prepared


@pytest.mark.parametrize("posterior", ["legacy", "unknown"])
def test_nothing_is_said_of_a_spread_that_is_not_known(tmp_path: Path, posterior: str) -> None:
    """Weights of the study were trained with exp(log_var) for the deviation: only their means are used."""
    model = published(tmp_path, config={**TWO.__dict__, "posterior": posterior})
    image = image_file(tmp_path, np.full((8, 8, 3), 9, np.uint8))
    assert not latents.spread_known(model)
    for found in (latents.compute(LatentConfig(model.id, show="encode", image=image)), latents.compute(LatentConfig(model.id))):
        assert not found.keys() & {"kl", "val_kl"} and "val_codes" in found


def test_the_same_weights_of_a_known_spread_tell_their_kl_all_the_same(tmp_path: Path) -> None:
    """They share their entries with the imported ones."""
    old = published(tmp_path, known(), name="old", config={**TWO.__dict__, "posterior": "legacy"})
    assert "val_kl" not in latents.compute(LatentConfig(old.id))
    assert "val_kl" in latents.compute(LatentConfig(published(tmp_path, known(), name="new").id))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"model": "noise"}, "is of the family 'Random noise', which has no codes"),
        ({"model": "nobody"}, "no model named 'nobody'"),
        ({"dataset": "nowhere"}, "no data set named 'nowhere'"),
        ({"show": "encode"}, "--image=FILE"),
        ({"image": "x.png"}, "--show=encode"),
        ({"show": "encode", "image": "no/such.png"}, "no/such.png cannot be opened"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(tmp_path: Path, given: dict[str, str], says: str) -> None:
    published(tmp_path)
    with pytest.raises(StudioError, match=says):
        latents.compute(LatentConfig(**{"model": "v", **given}))


def test_a_diffusion_model_has_no_codes(tmp_path: Path) -> None:
    model = tiny_models.publish(tiny_models.DDPM, tmp_path / "unet").id
    with pytest.raises(ModelError, match="choose a VAE"):
        latents.cached(LatentConfig(model))


def test_a_vae_that_does_not_say_what_it_was_trained_on_takes_a_data_set(tmp_path: Path) -> None:
    model = published(tmp_path, dataset="").id
    with pytest.raises(ConfigError, match="--dataset"):
        latents.compute(LatentConfig(model))
    assert len(latents.compute(LatentConfig(model, dataset="photos"))["images"]) == 8


def test_a_network_that_has_diverged_is_one_sentence(tmp_path: Path) -> None:
    broken = known()
    with torch.no_grad():
        broken.dec[5].bias.fill_(float("nan"))
    with pytest.raises(DataError, match="diverged"):
        latents.compute(LatentConfig(published(tmp_path, broken).id, show="manifold"))


def test_reading_the_cache_needs_no_torch(tmp_path: Path) -> None:
    c = LatentConfig(published(tmp_path).id, show="manifold")
    latents.compute(c)
    script = (
        "import sys; from core import latents; from core.configs import LatentConfig\n"
        f"found = latents.cached(LatentConfig({c.model!r}, show='manifold'))\n"
        "assert found is not None and 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=os.environ, cwd=paths.PROJECT)
    assert done.returncode == 0, done.stderr[-1000:]
