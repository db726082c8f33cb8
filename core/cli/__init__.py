"""The headless contract: `python -m core VERB ...`. One file a noun; each verb gives a document (for --json) and a text.

Exit 0 done; 1 a person can put it right (one sentence on standard error); 2 wrong usage; 130 interrupted.
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence

from core import store
from core.cli import (
    bench,
    costs,
    datasets,
    demo,
    doctor,
    doses,
    evaluate,
    jobs,
    latent,
    leaderboard,
    models,
    results,
    sample,
    selftest,
    sweep,
    weights,
)
from core.jobs import worker

NOUNS = (
    doctor,
    datasets,
    weights,
    models,
    sample,
    latent,
    evaluate,
    leaderboard,
    results,
    doses,
    costs,
    sweep,
    jobs,
    selftest,
    bench,
    demo,
)


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m core", description="Evaluate and compare small-image generative models.")
    p.add_argument("--json", action="store_true", help="print one JSON document on standard output and nothing else")
    verbs = p.add_subparsers(required=True, metavar="VERB")
    for noun in NOUNS:
        noun.add(verbs)
    return p


def main(argv: Sequence[str]) -> int:
    # --json may stand anywhere on the line.
    before_end = argv[: list(argv).index("--")] if "--" in argv else argv
    as_json = "--json" in before_end
    for stream in (sys.stdout, sys.stderr):
        # A console that cannot show a letter (Windows' cp1252, say) gets a question mark, not a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    ns = parser().parse_args([w for i, w in enumerate(argv) if w != "--json" or i >= len(before_end)])

    def verb() -> Mapping[str, object]:
        store.check_writable()
        document, text = ns.run(ns)
        shown = json.dumps(document, allow_nan=False) if as_json else text
        if shown:
            print(shown, flush=True)
        return document if isinstance(document, Mapping) else {"rows": document}

    try:
        return worker.run(verb)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader (head, say) has seen enough; without this Python complains once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
