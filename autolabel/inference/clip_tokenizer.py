"""CLIP's tokenizer for SAM 3 from a package that pip can install; ultralytics asks for a `clip` from a git address.

open_clip_torch ships the same vocabulary, and a tokenizer of the same name that is called the same way.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from autolabel.exceptions import ModelUnavailable

__all__ = ["clip_module", "require"]


def require(module: str, package: str) -> Any:
    """The module. Raises ModelUnavailable that names the pip package which brings it."""
    try:
        return import_module(module)
    except ImportError as error:
        reason = f"SAM 3 in full size needs the package {package}, which is missing here: pip install {package}"
        raise ModelUnavailable(reason) from error


@contextmanager
def clip_module() -> Iterator[None]:
    """While it lasts, `import clip` gives a module with `simple_tokenizer.SimpleTokenizer`; then what was there before.

    Raises ModelUnavailable where open_clip_torch is missing.
    """
    stand_in = types.ModuleType("clip")
    stand_in.simple_tokenizer = require("open_clip.tokenizer", "open_clip_torch")  # type: ignore[attr-defined]
    before = sys.modules.get("clip")
    sys.modules["clip"] = stand_in
    try:
        yield
    finally:
        del sys.modules["clip"]
        if before is not None:
            sys.modules["clip"] = before
