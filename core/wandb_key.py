"""Where the key of Weights & Biases lies. It is read and handed to W&B's own client; never written, logged, shown or passed on.

Looked for in this order: WANDB_API_KEY, `.env` and `.streamlit/secrets.toml` beside the code, netrc.
"""

import netrc
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from core import paths

NAME = "WANDB_API_KEY"


def server() -> str:
    """The address of the server: WANDB_BASE_URL, or the public one."""
    return os.environ.get("WANDB_BASE_URL", "").strip() or "https://api.wandb.ai"


def find() -> tuple[str, str]:
    """(the key or "", where it lies or why there is none). The second can be shown."""
    for where, look in _places():
        try:
            key = look().strip()
        except (OSError, ValueError, netrc.NetrcParseError):
            # UnicodeDecodeError and TOMLDecodeError are ValueErrors; their words could hold the key.
            return "", f"unknown: {where} cannot be read"
        if key:
            return key, f"present in {where}"
    return "", "absent; to use W&B run: wandb login"


def _places() -> list[tuple[str, Callable[[], str]]]:
    dotenv, secrets = paths.PROJECT / ".env", paths.PROJECT / ".streamlit" / "secrets.toml"
    named = os.environ.get("NETRC")
    nets = [Path(named)] if named else [Path("~/.netrc").expanduser(), Path("~/_netrc").expanduser()]
    return [
        (NAME, lambda: os.environ.get(NAME, "")),
        (str(dotenv), lambda: _dotenv(dotenv)),
        (str(secrets), lambda: _toml(secrets)),
        *((str(file), lambda file=file: _netrc(file)) for file in nets),  # type: ignore[misc]
    ]


def _dotenv(file: Path) -> str:
    """The value of NAME=VALUE, quoted or not, `export` before it or not."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    for line in lines:
        name, _, value = line.strip().removeprefix("export ").partition("=")
        if name.strip() == NAME:
            return value.strip().strip("'\"")
    return ""


def _toml(file: Path) -> str:
    return str(tomllib.loads(file.read_text(encoding="utf-8")).get(NAME, "")) if file.is_file() else ""


def _netrc(file: Path) -> str:
    # Not `authenticators`: that would hand out the password of `default`, meant for whatever else.
    found = netrc.netrc(file).hosts.get(urlsplit(server()).hostname or "") if file.is_file() else None
    return (found[2] or "") if found else ""
