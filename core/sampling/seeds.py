"""One seed an image, so that image i of a sample depends on (seed, i) only."""

import functools

import numpy as np

_32 = 0xFFFFFFFF


def image_seed(seed: int, i: int) -> int:
    """The seed of image i: 32 bits, and different for every i below 2**32.

    torch's CPU generator looks at 32 bits of its seed only. Hashes of that size would give two of 10,000 images the same noise in
    about one sample of a hundred; so this is a permutation of i, keyed by `seed` (the finaliser of MurmurHash3, twice).
    """
    a, b, c = _keys(seed)
    return _mix((_mix(i ^ a) + b) & _32) ^ c


@functools.lru_cache(maxsize=16)
def _keys(seed: int) -> tuple[int, int, int]:
    a, b, c = np.random.SeedSequence(seed).generate_state(3, np.uint32).tolist()
    return a, b, c


def _mix(h: int) -> int:
    """A bijection of the 32-bit numbers: xor with a shift, odd factors."""
    h = ((h ^ (h >> 16)) * 0x85EBCA6B) & _32
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & _32
    return h ^ (h >> 16)
