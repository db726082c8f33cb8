import math

import numpy as np

from core.datasets.drawing.brush import (
    CELL,
    ONE,
    REACH,
    TURN,
    Dice,
    boxes,
    cells,
    cosine,
    grid,
    mix,
    noise,
    polar,
    root,
    sine,
    towards,
)


def test_mixing_is_splitmix64() -> None:
    """The generator's published first outputs from state 1234567 (Vigna's splitmix64.c)."""
    gamma = np.uint64(0x9E3779B97F4A7C15)
    state = np.array([1234567], np.uint64) + np.arange(3, dtype=np.uint64) * gamma
    assert mix(state).tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_dice_cover_their_range_evenly_and_both_ends() -> None:
    rolled = Dice(0, np.arange(60_000)).roll("eyes", 1, 6)
    counts = np.bincount(rolled, minlength=7)
    assert counts[0] == 0 and abs(counts[1:] - 10_000).max() < 450


def test_dice_of_different_names_images_and_seeds_are_strangers() -> None:
    every = Dice(0, np.arange(20_000))
    base = every.roll("a", 0, 999)
    named, seeded = every.named("head ").roll("a", 0, 999), Dice(1, every.indices).roll("a", 0, 999)
    for other in (every.roll("b", 0, 999), named, seeded, base[::-1]):
        assert abs(np.corrcoef(base, other)[0, 1]) < 0.03
    columns = every.rolls("many", 0, 999, 2)
    assert abs(np.corrcoef(columns.T)[0, 1]) < 0.03


def test_sine_and_cosine_are_near_the_real_ones() -> None:
    angle = np.arange(-TURN, 2 * TURN, 37)
    real = np.sin(angle * (2 * math.pi / TURN))
    assert abs(sine(angle) / ONE - real).max() < 0.002
    assert np.array_equal(cosine(angle), sine(angle + TURN // 4))


def test_root_is_the_integer_square_root() -> None:
    x = np.concatenate([np.arange(2000), np.array([2**30 - 1, 2**28, 2**28 - 1, 12345**2, 12345**2 - 1])])
    assert root(x).tolist() == [math.isqrt(v) for v in x.tolist()]


def test_polar_tables_are_near_the_real_radius_and_angle() -> None:
    radius, angle = polar()
    x, y = np.array([3, -200, 57, 400]), np.array([5, 80, -340, -1])
    at = cells(x, y)
    assert np.allclose(radius[at] / CELL, np.hypot(x + 0.5, y + 0.5), atol=1 / CELL)
    real = np.arctan2(y + 0.5, x + 0.5) % (2 * math.pi)
    assert abs(angle[at] * 2 * math.pi / TURN - real).max() < 0.005
    assert cells(np.array([10**6]), np.array([-(10**6)]))[0] == cells(np.array([REACH - 1]), np.array([1 - REACH]))[0]


def test_grids_of_different_fineness_share_their_extent() -> None:
    assert grid(4, 1024).tolist() == [-768, -256, 256, 768]
    assert grid(8, 1024).reshape(4, 2).mean(axis=1).tolist() == grid(4, 1024).tolist()


def test_noise_is_smooth_and_meets_its_lattice() -> None:
    dice = Dice(0, np.arange(5))
    fine = noise(dice, "cloud", (2, 3), 120)
    assert fine.min() >= 0 and fine.max() <= 255 and fine.std() > 20
    assert abs(np.diff(fine, axis=1)).max() < 16 and abs(np.diff(fine, axis=2)).max() < 16
    lattice = dice.rolls("cloud", 0, 255, 12).reshape(5, 3, 4)
    assert abs(fine[:, 0, 0] - lattice[:, 0, 0]).max() <= 1 and abs(fine[:, -1, -1] - lattice[:, -1, -1]).max() <= 1


def test_boxes_are_sums_and_mixtures_meet_their_ends() -> None:
    samples = np.arange(2 * 4 * 4).reshape(2, 4, 4)
    assert boxes(samples, 2)[0].tolist() == [[10, 18], [42, 50]]
    a, b = np.array([10]), np.array([20])
    assert [int(towards(a, b, np.array([s]), 4)[0]) for s in (0, 2, 4)] == [10, 15, 20]
