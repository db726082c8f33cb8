"""The closed-form checks, live: this machine's libraries and disk, through the functions that an evaluation calls.

What can be said without a reference set, a model or a downloaded file: distances whose value is known on paper, estimators beside
their definition by loops, verdicts on toys, the store's checksums. `python -m core selftest` runs them in seconds.
"""

import math
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.selftest import records, scores
from core.selftest.toys import Found
from core.types import Progress, silent

CHECKS: tuple[tuple[str, Callable[[], Found]], ...] = (
    ("What is installed is what requirements.txt asks for", records.libraries),
    ("FD of Gaussians with rotated diagonal covariances: |m|^2 + sum (sqrt l1 - sqrt l2)^2", scores.fd_commuting),
    ("FD of a Gaussian and 1.5 times it: 0.25 Tr S", scores.fd_scaled),
    ("FD of Gaussians that do not commute, by 2x2 blocks: Tr sqrt(AB) = sqrt(Tr AB + 2 sqrt(det A det B))", scores.fd_blocks),
    ("FD of 12 images with 64 numbers and the same moved by c: |c|^2", scores.fd_few_moved),
    ("KID equals its definition by loops", scores.kid_brute_force),
    ("KID of equal distributions is 0 in the mean of 200 draws, within 3 standard errors", scores.kid_unbiased),
    ("IS of constant predictions: 1", scores.is_constant),
    ("IS of sure predictions of 7 classes: 7", scores.is_classes),
    ("IS of 12 images in 10 splits is refused", scores.is_refused),
    ("Precision of images that all lie at one real image: 1", scores.collapse_precision),
    ("Recall of images that all lie at one real image: near 0", scores.collapse_recall),
    ("Coverage of equal distributions: 1 - prod (n - i) / (2 n - i), within 3 standard errors", scores.coverage_expected),
    ("Ten copies of training images among 60 images, places 20 to 29, are flagged, and no other", scores.copies_found),
    ("Of two models the nearer one is called better, whichever stands first; one and the same is undecided", records.verdicts),
    ("Scores under other Terms are not compared", records.terms_kept_apart),
    ("The first 5 of 300 drawn images are those that 5 alone would be", records.prefix_of_samples),
    ("One flipped bit in the store is found, told, and the entry made again", records.flipped_bit),
)


@dataclass(frozen=True)
class Check:
    """expected, found: numbers, or words. ok: they are equal, or numbers no farther apart than `tolerance`."""

    name: str
    statement: str
    expected: float | str
    found: float | str
    tolerance: float
    ok: bool
    seconds: float


def checks(progress: Progress = silent) -> tuple[Check, ...]:
    """Every check, in a cache folder of its own that is removed at the end: nothing of the user's is read or written.

    Meant for a process of its own, since that folder is the process's while it runs.
    """
    done = []
    with _own_cache():
        for i, (statement, check) in enumerate(CHECKS):
            progress(i, len(CHECKS), statement)
            done.append(_run(statement, check))
    progress(len(CHECKS), len(CHECKS), "done")
    return tuple(done)


def failed(found: tuple[Check, ...]) -> str:
    """The sentence for a person where not all hold; "" where they do."""
    wrong = [f"{c.name} (expected {_short(c.expected)}, found {_short(c.found)})" for c in found if not c.ok]
    if not wrong:
        return ""
    verb = "does" if len(wrong) == 1 else "do"
    count = f"{len(wrong)} of {len(found)} checks {verb} not hold on this machine"
    return f"{count}, so its scores cannot be trusted: {'; '.join(wrong)}."


def _run(statement: str, check: Callable[[], Found]) -> Check:
    started = time.perf_counter()
    try:
        expected, found, tolerance = check()
    except Exception as e:  # A check that breaks is what this is for: it is told beside the others, as one that does not hold.
        expected, found, tolerance = "an answer", f"{type(e).__name__}: {e}", 0.0
    if isinstance(expected, str) or isinstance(found, str):
        ok = expected == found
    else:
        ok = abs(found - expected) <= tolerance
        found = found if math.isfinite(found) else str(found)
    name = check.__name__.replace("_", " ")
    return Check(name, statement, expected, found, tolerance, ok, time.perf_counter() - started)


@contextmanager
def _own_cache() -> Iterator[None]:
    before = os.environ.get("STUDIO_CACHE")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["STUDIO_CACHE"] = folder
        try:
            yield
        finally:
            os.environ.pop("STUDIO_CACHE")
            if before is not None:
                os.environ["STUDIO_CACHE"] = before


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
