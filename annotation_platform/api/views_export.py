"""A project's annotations as a file."""

from __future__ import annotations

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from ..exports import Options, coco
from .base import ProjectView
from .views_files import AnyAccept

__all__ = ["ProjectExport"]

_INCLUDE = ("drafts", "unfinished")


class ExportQuerySerializer(serializers.Serializer[Any]):
    format = serializers.ChoiceField(choices=["coco"], default="coco")
    include = serializers.ListField(child=serializers.ChoiceField(choices=_INCLUDE), default=list, max_length=2)


class ProjectExport(ProjectView):
    content_negotiation_class = AnyAccept
    serializer_class = None

    @extend_schema(
        summary="COCO instances.json of the finished items",
        description="Accepted annotations only, and finished items without any, as verified negatives. "
        "`unfinished` adds the other items; `drafts` adds drafts, which only unfinished items have.",
        parameters=[
            OpenApiParameter("format", str, enum=["coco"]),
            OpenApiParameter("include", str, enum=_INCLUDE, many=True),
        ],
        responses={(200, "application/json"): OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, uid: str) -> StreamingHttpResponse:
        project = self.get_object()
        query = ExportQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data["include"]
        options = Options(drafts="drafts" in wanted, unfinished="unfinished" in wanted)
        return StreamingHttpResponse(
            coco(project, options),
            content_type="application/json",
            headers={
                "Content-Disposition": 'attachment; filename="instances.json"',
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "private, no-store",
            },
        )
