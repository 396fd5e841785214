"""How the auto-label app plugs into this platform."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import IO, Any, get_args

from django.db import router
from django.db.models import QuerySet
from django.urls import reverse

from autolabel.exceptions import ItemUnreadable
from autolabel.hosts.base import Action, Actor, ItemDrafts, JobRef, LabelTarget, Scope, Verdict, Written
from autolabel.hosts.base import Project as ProjectRef
from autolabel.shapes import BoxPrompt, Kind

from . import access, drafts_of_jobs
from .models import Annotation, Item, Label, Project
from .storage import open_original

__all__ = ["PlatformHost"]

_PAGE = 2000


class PlatformHost:
    """The Host of this platform; see autolabel.hosts.base.Host for what each method promises."""

    def database_alias(self) -> str:
        return router.db_for_write(Annotation)

    def visible_project_uids(self, user: Any) -> Collection[str]:
        return Project.objects.visible_to(user).values_list("uid", flat=True)

    def get_project(self, uid: str, user: Any) -> ProjectRef:
        return _ref(Project.objects.visible_to(user).filter(uid=uid))

    def get_project_trusted(self, uid: str) -> ProjectRef:
        return _ref(Project.objects.filter(uid=uid))

    def can(self, actor: Actor, action: Action, project: ProjectRef) -> bool:
        return access.may(actor.user, action, project.uid, actor.credential)

    def credential_allows(self, actor: Actor, action: Action) -> bool:
        return access.key_may(actor.credential, action)

    def label_targets(self, project: ProjectRef) -> Sequence[LabelTarget]:
        labels = Label.objects.filter(project__uid=project.uid).values_list("name", "project__shapes")
        return [LabelTarget(name, frozenset(_kinds(shapes))) for name, shapes in labels]

    def count_unlabeled(self, project: ProjectRef, scope: Scope) -> int:
        items = _in_scope(project, scope)
        return items.count() if scope.sample is None else min(scope.sample, items.count())

    def iter_unlabeled(self, project: ProjectRef, scope: Scope, after: str | None = None) -> Iterator[str]:
        """Streams by uid, which stays a valid place to resume from when the item itself is deleted."""
        items = _in_scope(project, scope)
        if scope.sample is not None:
            return _sampled(items, scope.sample, scope.seed, after or "")
        return _paged(items, after or "")

    @contextmanager
    def open_image(self, project: ProjectRef, item_uid: str) -> Iterator[IO[bytes]]:
        item = Item.objects.filter(uid=item_uid, project__uid=project.uid).only("image").first()
        if item is None:
            raise ItemUnreadable("The item no longer exists.")
        with open_original(item) as file:
            yield file

    def box_prompts(self, project: ProjectRef, item_uids: Sequence[str]) -> Mapping[str, Sequence[BoxPrompt]]:
        boxes = Annotation.objects.accepted_boxes().filter(item__project__uid=project.uid, item__uid__in=item_uids)
        prompts: dict[str, list[BoxPrompt]] = {uid: [] for uid in item_uids}
        for box in boxes.select_related("item", "label").order_by("pk"):
            prompts[box.item.uid].append(BoxPrompt(box.uid, box.label.name, box.bbox_xyxy))
        return prompts

    def write_drafts(self, job: JobRef, items: Sequence[ItemDrafts]) -> Written:
        return drafts_of_jobs.write(job, items)

    def count_drafts(self, job: JobRef) -> int:
        return drafts_of_jobs.count(job)

    def delete_drafts(self, job: JobRef, limit: int) -> Mapping[str, Collection[str]]:
        return drafts_of_jobs.delete(job, limit)

    def restore_drafts(self, job: JobRef, items: Sequence[ItemDrafts]) -> int:
        return drafts_of_jobs.restore(job, items)

    def used_predictions(self, job: JobRef, item_uids: Sequence[str]) -> Collection[str]:
        return drafts_of_jobs.used_predictions(job, item_uids)

    def verdicts(self, job: JobRef) -> Iterator[Verdict]:
        return drafts_of_jobs.verdicts(job)

    def on_finished(self, job: JobRef) -> None:
        """Nothing to do: pages ask for the job's state while they are open."""

    def worker_context(self, user: Any) -> AbstractContextManager[None]:
        return nullcontext()

    def project_url(self, project_uid: str) -> str:
        return reverse("review-next", args=[project_uid])

    def item_url(self, project_uid: str, item_uid: str) -> str:
        return reverse("item", args=[item_uid])


def _ref(projects: QuerySet[Project]) -> ProjectRef:
    project = projects.first()
    if project is None:
        raise LookupError("There is no such project.")
    return ProjectRef(project.uid, project.name)


def _kinds(shapes: str) -> Sequence[Kind]:
    return [kind for kind in get_args(Kind) if Project.Shapes(shapes).takes(kind)]


def _in_scope(project: ProjectRef, scope: Scope) -> QuerySet[Item]:
    items = drafts_of_jobs.waiting(Item.objects.filter(project__uid=project.uid), scope.boxes_to_masks).order_by("uid")
    return items if scope.item_uids is None else items.filter(uid__in=scope.item_uids)


def _paged(items: QuerySet[Item], after: str) -> Iterator[str]:
    """Page by page, because a cursor that outlives its transaction makes PostgreSQL store all remaining rows."""
    while page := list(items.filter(uid__gt=after).values_list("uid", flat=True)[:_PAGE]):
        yield from page
        after = page[-1]


def _sampled(items: QuerySet[Item], size: int, seed: int, after: str) -> Iterator[str]:
    """Draws by a hash of seed and uid, so that each slice of a plan can repeat the draw; holds the sample in memory."""

    def draw(uid: str) -> bytes:
        return hashlib.sha256(f"{seed}/{uid}".encode()).digest()

    drawn = heapq.nsmallest(size, _paged(items, ""), key=draw)
    return iter(sorted(uid for uid in drawn if uid > after))
