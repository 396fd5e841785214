"""The parser of uploads; JSON is parsed by the auto-label app's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import MultiPartParser

from autolabel.api.parsers import refuse_larger_than
from autolabel.conf import conf

from .. import archives

__all__ = ["ArchiveParser", "UploadParser"]

_FORM_OVERHEAD = 64 * 1024  # boundaries, headers and small fields around the file


class UploadParser(MultiPartParser):
    """Refuses a body that must hold too large a file, instead of first storing all of it."""

    @property
    def most_bytes(self) -> int:
        return conf().max_image_bytes

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        refuse_larger_than(self.most_bytes + _FORM_OVERHEAD, parser_context)
        return super().parse(stream, media_type, parser_context)


class ArchiveParser(UploadParser):
    @property
    def most_bytes(self) -> int:
        return archives.MOST_BYTES
