from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def inception_weights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A weights file in the format of FID's network and its sha256; drawn from a seed, once a session (96 MB)."""
    from tests.core import tiny_inception

    return tiny_inception.weights_file(tmp_path_factory.mktemp("inception"))
