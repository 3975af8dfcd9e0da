"""The one door to torchvision.

torchvision's wheel from the package index is built for CUDA. Beside a CPU build of torch its import
fails with ``operator torchvision::nms does not exist``, because it registers gradients for
operators whose library did not load. Declaring the two operators first lets the pure-Python parts
(``datasets``) import and work; nothing here ever calls them.
"""

from __future__ import annotations

import importlib
from types import ModuleType

import torch

__all__ = ["datasets"]

_MISSING = {
    "nms": "torchvision::nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "torchvision::qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
_named: list[torch.library.Library] = []  # a definition lives as long as its library object


def datasets() -> ModuleType:
    """``torchvision.datasets``, whichever build of torchvision is installed.

    Raises:
        ImportError: torchvision is not installed.
    """
    try:
        return importlib.import_module("torchvision.datasets")
    except RuntimeError as error:
        if "does not exist" not in str(error):
            raise
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name, schema in _MISSING.items():
        if not hasattr(torch.ops.torchvision, name):
            library.define(schema.partition("::")[2])
    _named.append(library)
    return importlib.import_module("torchvision.datasets")
