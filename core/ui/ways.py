"""The address under which the browser gets all steps of a recorded way: one picture with exactly the stored pixels."""

import json
from urllib.parse import urlencode

import numpy as np
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from core import configs, generate, pictures
from core.configs import SampleConfig
from core.errors import StudioError
from core.types import Arrays, canonical

WHAT = ("x", "x0")
ACROSS = 8  # steps beside each other: browsers refuse pictures that are very high


def address(c: SampleConfig, what: str) -> str:
    """Relative to the studio's own. It names the content too, so that a browser may keep what it got."""
    return f"ways/{what}.png?{urlencode({'c': canonical(configs.as_dict(c)), 'key': generate.way_key(c)})}"


def file(way: Arrays, what: str) -> bytes:
    """All kept steps as one PNG with exactly the stored pixels: ACROSS sheets beside each other, no gaps."""
    frames = way[what]
    columns = pictures.balanced(frames.shape[1])
    down = -(-frames.shape[1] // columns)
    side = frames.shape[2]
    out = np.zeros((-(-len(frames) // ACROSS) * down * side, min(ACROSS, len(frames)) * columns * side, 3), np.uint8)
    for k, images in enumerate(frames):
        sheet = pictures.tiled(np.asarray(images), columns=columns, gap=0)
        top, left = (k // ACROSS) * down * side, (k % ACROSS) * columns * side
        out[top : top + sheet.shape[0], left : left + sheet.shape[1]] = sheet
    return pictures.png(out)


def _served(request: Request) -> Response:
    """404 for what is not recorded; nothing is drawn here."""
    what, way = request.path_params["what"], None
    try:
        c = configs.from_dict(SampleConfig, json.loads(request.query_params["c"]))
        way = generate.recording(c) if what in WHAT else None
    except (StudioError, ValueError, TypeError, KeyError, AttributeError):
        pass  # an address that nobody here made
    if way is None:
        return PlainTextResponse("Nothing is recorded there.", 404)
    headers = {"Cache-Control": "private, max-age=86400, immutable", "Cross-Origin-Resource-Policy": "same-origin"}
    return Response(file(way, what), media_type="image/png", headers=headers)


ROUTES = [Route("/ways/{what}.png", _served, methods=["GET"])]
