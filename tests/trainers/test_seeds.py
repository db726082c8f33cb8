import torch

from trainers import seeds


def test_the_same_key_draws_the_same_and_a_neighbour_draws_another() -> None:
    draws = [seeds.normal((4,), *key, device="cpu") for key in ((0, 1, 2), (0, 1, 2), (0, 1, 3), (0, 2, 2), (1, 1, 2))]
    assert torch.equal(draws[0], draws[1])
    assert all(not torch.equal(draws[0], d) for d in draws[2:])


def test_noise_is_standard_normal() -> None:
    x = seeds.normal((100_000,), seeds.TRAINING, 0, 0, device="cpu")
    assert abs(float(x.mean())) < 0.015 and abs(float(x.std()) - 1) < 0.01
