"""The caller's projects and their labels."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from autolabel import audit
from autolabel.api.pagination import NewestFirst

from ..models import Project
from ..projects import LabelTaken, TooManyLabels, add_label, create_project
from .base import ProjectView
from .serializers import (
    LabelSerializer,
    NewProjectSerializer,
    ProjectDetailSerializer,
    ProjectPatchSerializer,
    ProjectSerializer,
)

__all__ = ["LabelList", "ProjectDetail", "ProjectList"]


class ProjectList(ProjectView):
    serializer_class = ProjectSerializer
    pagination_class = NewestFirst

    @extend_schema(
        summary="The projects you are a member of, newest first",
        operation_id="users_me_projects_list",
        responses=ProjectSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(ProjectSerializer(page, many=True).data)

    @extend_schema(
        summary="Make a project, which you then manage",
        request=NewProjectSerializer,
        responses={201: ProjectDetailSerializer},
    )
    def post(self, request: Request) -> Response:
        values = self.validated(NewProjectSerializer)
        try:
            with transaction.atomic():
                made = create_project(
                    self.user, values["name"], values["labels"], values["shapes"], credential=request.auth
                )
        except LabelTaken as error:
            raise ValidationError({"labels": [str(error)]}) from error
        project = self.get_queryset().get(pk=made.pk)
        return Response(ProjectDetailSerializer(project).data, status=status.HTTP_201_CREATED)


class ProjectDetail(ProjectView):
    serializer_class = ProjectDetailSerializer
    needs = {"PATCH": "manage", "DELETE": "manage"}

    @extend_schema(summary="One project, with its labels and how many items are in each state")
    def get(self, request: Request, uid: str) -> Response:
        return Response(ProjectDetailSerializer(self.get_object()).data)

    @extend_schema(
        summary="Rename or archive a project, or say what may be drawn in it", request=ProjectPatchSerializer
    )
    def patch(self, request: Request, uid: str) -> Response:
        project: Project = self.get_object()
        serializer = ProjectPatchSerializer(project, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changed: dict[str, Any] = serializer.validated_data
        for name, value in changed.items():
            setattr(project, name, value)
        project.save(update_fields=[*changed, "updated_at"])
        return Response(ProjectDetailSerializer(project).data)

    @extend_schema(summary="Delete a project with everything in it", responses={204: None})
    def delete(self, request: Request, uid: str) -> Response:
        project: Project = self.get_object()
        with transaction.atomic():
            audit.record(
                self.user, "project.delete", credential=request.auth, project_uid=project.uid, name=project.name
            )
            project.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class LabelList(ProjectView):
    serializer_class = LabelSerializer
    needs = {"POST": "manage"}

    @extend_schema(summary="Add a label", responses={201: LabelSerializer})
    def post(self, request: Request, uid: str) -> Response:
        project = self.get_object()
        values = self.validated(LabelSerializer)
        try:
            label = add_label(project, values["name"], values.get("color"))
        except (LabelTaken, TooManyLabels) as error:
            raise ValidationError({"name": [str(error)]}) from error
        return Response(LabelSerializer(label).data, status=status.HTTP_201_CREATED)
