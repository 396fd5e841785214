"""The platform's own ES modules by name.

Under a manifest storage a relative import would load the unhashed file; an import map names the right one.
"""

from __future__ import annotations

import functools
from pathlib import Path

from django import template
from django.templatetags.static import static

__all__ = ["module_addresses", "module_preloads"]

register = template.Library()

_STATIC = Path(__file__).resolve().parents[1] / "static"
_ROOT = "platform/js"


@register.simple_tag
def module_addresses() -> dict[str, str]:
    """Every module's address by its name: `platform/dom` for js/dom.js, `review/store` for js/review/store.js."""
    return {name: static(path) for name, path in _modules().items()}


@register.simple_tag
def module_preloads(folder: str) -> list[str]:
    """The addresses of a folder's modules, to be fetched at once instead of import by import."""
    return [static(path) for name, path in _modules().items() if name.startswith(f"{folder}/")]


@functools.cache
def _modules() -> dict[str, str]:
    paths = sorted(path.relative_to(_STATIC).as_posix() for path in (_STATIC / _ROOT).rglob("*.js"))
    return {_name(path): path for path in paths}


def _name(path: str) -> str:
    inner = path.removeprefix(f"{_ROOT}/").removesuffix(".js")
    return inner if "/" in inner else f"platform/{inner}"
