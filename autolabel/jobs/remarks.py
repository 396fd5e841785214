"""What was out of the ordinary in a job, in words: for pages, the admin and the button's card alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["WORDS", "remarks"]

# What a summary counts as "dropped" and as "incidents", by the name it has there: one of them, many of them.
WORDS: Mapping[str, tuple[str, str]] = {
    "speck": ("speck", "specks"),
    "sliver": ("sliver", "slivers"),
    "outside": ("shape outside its image", "shapes outside their images"),
    "duplicate": ("duplicate", "duplicates"),
    "fragment": ("loose fragment of a mask", "loose fragments of masks"),
    "out_of_memory_batch_halved": (
        "batch halved because the memory was full",
        "batches halved because the memory was full",
    ),
}


def remarks(summary: Mapping[str, Any] | None) -> list[str]:
    """Short sentences about a job's `summary`: the model and what computed it, what was dropped, what went wrong.

    The script `job-text.js` says the same on the button's card.
    """
    summary = summary or {}
    model = summary.get("model") or {}
    on = ", ".join(part for part in (model.get("engine"), model.get("device")) if part and part != "none")
    sentences = [
        f"Model: {model['name']}{f' ({on})' if on else ''}." if model.get("name") else "",
        f"{_named(summary.get('dropped'))} dropped." if summary.get("dropped") else "",
        f"{_named(summary.get('incidents'))}." if summary.get("incidents") else "",
        *(model.get("notes") or ()),
    ]
    return [sentence for sentence in sentences if sentence]


def _named(counts: Mapping[str, int] | None) -> str:
    return ", ".join(f"{count:,} {_word(name, count)}" for name, count in (counts or {}).items())


def _word(name: str, count: int) -> str:
    one, many = WORDS.get(name, (name, name))
    return one if count == 1 else many
