"""`python -m covid_xray.models.imagenet MobileNet …` puts ImageNet weights into Keras's cache."""

from __future__ import annotations

import socket
import sys

from covid_xray.models.backbone import WeightsError
from covid_xray.models.transfer_classifiers import build_backbone

# Seconds without an answer; without it a silent firewall would stop the run for ever.
_TIMEOUT = 60


def main(backbones: list[str]) -> None:
    """Download what the cache lacks; end with one line that says what could not be had."""
    socket.setdefaulttimeout(_TIMEOUT)
    try:
        for name in backbones:
            build_backbone(name, 224, "imagenet")
    except WeightsError as error:
        sys.exit(" ".join(str(error).split()))


if __name__ == "__main__":
    main(sys.argv[1:])
