"""How the auto-label app plugs into this platform."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import IO, Any, get_args

from django.db import router, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from autolabel.exceptions import ItemUnreadable
from autolabel.hosts.base import Action, Actor, Draft, ItemDrafts, JobRef, LabelTarget, Scope, Verdict
from autolabel.hosts.base import Project as ProjectRef
from autolabel.shapes import BoxPrompt, Kind

from . import access
from .models import Annotation, Item, Label, Project
from .querysets import slices
from .review import UNSAID, refresh_states

__all__ = ["PlatformHost"]

Status = Annotation.Status
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
        return access.may(actor.user, action, project.uid)

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
        try:
            file = item.image.open("rb")
        except FileNotFoundError:
            raise ItemUnreadable("The image file is missing.") from None
        with file:
            yield file

    def box_prompts(self, project: ProjectRef, item_uids: Sequence[str]) -> Mapping[str, Sequence[BoxPrompt]]:
        boxes = Annotation.objects.accepted_boxes().filter(item__project__uid=project.uid, item__uid__in=item_uids)
        prompts: dict[str, list[BoxPrompt]] = {uid: [] for uid in item_uids}
        for box in boxes.select_related("item", "label").order_by("pk"):
            prompts[box.item.uid].append(BoxPrompt(box.uid, box.label.name, box.bbox_xyxy))
        return prompts

    def write_drafts(self, job: JobRef, items: Sequence[ItemDrafts]) -> set[str]:
        given = {item.item_uid: item.drafts for item in items}
        project_items = Item.objects.filter(project__uid=job.project_uid, uid__in=given)
        # Locked before they are judged, so that a person who accepts a draft right now comes before or after us.
        locked = list(project_items.select_for_update(of=("self",)).order_by("pk").only("uid"))
        waiting = set(_waiting(project_items, job.boxes_to_masks).values_list("uid", flat=True))
        drafts = {item.uid: given[item.uid] for item in locked if item.uid in waiting}
        earlier = Annotation.objects.drafts()
        if job.boxes_to_masks:
            drafts, earlier = _with_their_boxes(drafts), earlier.masks_of_boxes()
        rows = [item for item in locked if item.uid in drafts]
        earlier.filter(item__in=rows).delete()
        labels = {label.name: label for label in Label.objects.filter(project__uid=job.project_uid)}
        Annotation.objects.bulk_create(
            _annotation(job, item, draft, labels[draft.shape.label])
            for item in rows
            # A label that has gone meanwhile is a KeyError: all is rolled back, and done again with today's labels.
            for draft in drafts[item.uid]
        )
        if job.boxes_to_masks:
            _open_again([item.pk for item in rows if drafts[item.uid]])
        refresh_states(Item.objects.filter(pk__in=[item.pk for item in rows]), auto_labeled_at=timezone.now())
        return set(given) - set(drafts)

    @transaction.atomic
    def delete_drafts(self, job: JobRef) -> int:
        drafts = Annotation.objects.drafts().filter(job_uid=job.uid)
        locked = Item.objects.filter(pk__in=drafts.values("item")).locked_keys()
        deleted = 0
        for keys in slices(locked):
            deleted += drafts.filter(item__in=keys).delete()[0]
            items = Item.objects.filter(pk__in=keys)
            refresh_states(items)
            # Not one on which a model has found nothing: without its drafts, the item waits for its first.
            items.filter(state=Item.State.UNLABELED).update(auto_labeled_at=None)
        return deleted

    def verdicts(self, job: JobRef) -> Iterator[Verdict]:
        decided = Annotation.objects.filter(job_uid=job.uid).exclude(status=Status.DRAFT)
        for uid, status, edited in decided.values_list("prediction_uid", "status", "edited").iterator():
            yield Verdict(uid, "discarded" if status == Status.DISCARDED else "edited" if edited else "accepted")

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
    items = _waiting(Item.objects.filter(project__uid=project.uid), scope.boxes_to_masks).order_by("uid")
    return items if scope.item_uids is None else items.filter(uid__in=scope.item_uids)


def _waiting(items: QuerySet[Item], boxes_to_masks: bool) -> QuerySet[Item]:
    """Those that a job may write on."""
    return items.with_accepted_boxes() if boxes_to_masks else items.awaiting_labels()


def _open_again(keys: Sequence[int]) -> None:
    done = Item.objects.filter(pk__in=keys, state=Item.State.DONE)
    done.update(state=Item.State.DRAFTED, **UNSAID)


def _with_their_boxes(drafts: Mapping[str, Sequence[Draft]]) -> dict[str, Sequence[Draft]]:
    """Masks whose box is still accepted, by item; an item of which that leaves none is left out.

    A mask that a person has decided on is left out, too: it is never written again.
    """
    on_items = Annotation.objects.filter(item__uid__in=drafts)
    boxes = set(on_items.accepted_boxes().values_list("item__uid", "uid"))
    decided = on_items.masks_of_boxes().exclude(status=Status.DRAFT)
    known = set(decided.values_list("item__uid", "prediction_uid"))
    standing = {
        uid: [
            draft
            for draft in of_item
            if (uid, draft.shape.source) in boxes and (uid, draft.prediction_uid) not in known
        ]
        for uid, of_item in drafts.items()
    }
    return {uid: kept for uid, kept in standing.items() if kept or not drafts[uid]}


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


def _annotation(job: JobRef, item: Item, draft: Draft, label: Label) -> Annotation:
    x_min, y_min, x_max, y_max = draft.shape.bbox_xyxy
    return Annotation(
        item=item,
        label=label,
        kind=draft.shape.kind,
        x_min=x_min,
        y_min=y_min,
        x_max=x_max,
        y_max=y_max,
        polygons=draft.shape.polygons,
        status=Status.DRAFT,
        source=Annotation.Source.AUTO,
        score=draft.shape.score,
        model_name=job.model_name[:100],
        model_version=job.model_version[:100],
        job_uid=job.uid,
        prediction_uid=draft.prediction_uid,
        replaces=draft.shape.source,
    )
