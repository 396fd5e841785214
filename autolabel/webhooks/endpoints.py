"""Making and changing endpoints; their secrets are told once, to whoever makes or rotates them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import router, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from autolabel import audit
from autolabel.hosts.base import Actor
from autolabel.hosts.loader import get_host
from autolabel.models import WebhookDelivery, WebhookEndpoint

from .delivery import hurry
from .secrets import new_secret, seal, still_valid

__all__ = [
    "TooManyEndpoints",
    "change",
    "create",
    "delete",
    "deliveries_to",
    "in_reach_of",
    "made_by",
    "manages",
    "may_manage",
    "pause",
    "resume",
    "rotate",
]

# So long the secret before the last rotation signs, too.
_OVERLAP = timedelta(hours=24)
# Of secrets from before the last rotation.
_MOST_PREVIOUS = 4
# Of one owner: each event is sent to all of them.
_MOST = 50

State = WebhookEndpoint.State


class TooManyEndpoints(Exception):
    """The owner has as many as may be; the message says so."""


def in_reach_of(user: Any) -> QuerySet[WebhookEndpoint]:
    """The user's own, and those of projects that the user sees; `may_manage` says which of them they manage."""
    return WebhookEndpoint.objects.filter(
        Q(owner=user.pk, project_uid="") | Q(project_uid__in=get_host().visible_project_uids(user))
    )


def made_by(user: Any) -> QuerySet[WebhookEndpoint]:
    """Those that the user has set up, and may still manage."""
    mine = in_reach_of(user).filter(owner=user.pk)
    uids = set(mine.exclude(project_uid="").order_by().values_list("project_uid", flat=True))
    return mine.filter(project_uid__in=["", *(uid for uid in uids if manages(user, uid))])


def deliveries_to(user: Any, endpoints: QuerySet[WebhookEndpoint]) -> QuerySet[WebhookDelivery]:
    """Deliveries to these endpoints with their last answers, but those of projects that the user no longer sees."""
    visible = get_host().visible_project_uids(user)
    about = Q(event__job=None) | Q(event__job__project_uid__in=visible)
    found = WebhookDelivery.objects.filter(about, endpoint__in=endpoints).with_last_answer()
    return found.select_related("event", "event__job", "endpoint")


def may_manage(user: Any, endpoint: WebhookEndpoint) -> bool:
    """Its owner may; one of a project is for whoever manages that, and for nobody else."""
    return manages(user, endpoint.project_uid) if endpoint.project_uid else endpoint.owner_id == user.pk


def manages(user: Any, project_uid: str) -> bool:
    """Whether the user may manage the project; what the credential of a request is for is asked apart."""
    host = get_host()
    try:
        project = host.get_project(project_uid, user)
    except LookupError:
        return False
    return host.can(Actor(user), "manage", project)


def create(actor: Actor, **fields: Any) -> tuple[WebhookEndpoint, str]:
    """A new endpoint and its secret, which exists in the clear nowhere else. Raises TooManyEndpoints."""
    secret = new_secret()
    with transaction.atomic(using=router.db_for_write(WebhookEndpoint)):
        endpoint = WebhookEndpoint.objects.create(owner=actor.user, secret=seal(secret), **fields)
        # Counted with the new one, so that of requests at the same time at most one too few is let through.
        if WebhookEndpoint.objects.filter(owner=actor.user).count() > _MOST:
            raise TooManyEndpoints(f"You have {_MOST} endpoints. Delete one that nobody needs.")
        _note(actor, endpoint, "webhook.create", target_url=endpoint.target_url)
    return endpoint, secret


def change(actor: Actor, endpoint: WebhookEndpoint, fields: Mapping[str, Any]) -> None:
    """Its target_url, events or description."""
    if fields:
        _save(actor, endpoint, "webhook.change", fields, **fields)


def delete(actor: Actor, endpoint: WebhookEndpoint) -> None:
    """With its deliveries, those that wait included."""
    with transaction.atomic(using=router.db_for_write(WebhookEndpoint)):
        # So that no sender writes down a try of what is going.
        list(WebhookEndpoint.objects.select_for_update().filter(pk=endpoint.pk))
        _note(actor, endpoint, "webhook.delete", target_url=endpoint.target_url)
        endpoint.delete()


def rotate(actor: Actor, endpoint: WebhookEndpoint) -> str:
    """A new secret; those before it sign beside it for a day. Raises WebhookEndpoint.DoesNotExist."""
    secret = new_secret()
    with transaction.atomic(using=router.db_for_write(WebhookEndpoint)):
        # Of two rotations at once the second builds on the first.
        endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
        until = (timezone.now() + _OVERLAP).isoformat()
        previous = still_valid([(endpoint.secret, until), *endpoint.previous_secrets])
        fields = {"secret": seal(secret), "previous_secrets": previous[:_MOST_PREVIOUS]}
        _save(actor, endpoint, "webhook.rotate_secret", fields)
    return secret


def pause(actor: Actor, endpoint: WebhookEndpoint) -> None:
    """Hold its deliveries back until it is resumed; nothing is lost. One that is stopped otherwise stays so."""
    if endpoint.is_tried:
        _save(actor, endpoint, "webhook.pause", {"state": State.PAUSED})


def resume(actor: Actor, endpoint: WebhookEndpoint) -> None:
    """Let what waits go on now, whatever had stopped it, and count failures from nothing; an active one does anyway.

    Whoever resumes an endpoint of a project vouches for it from then on.
    """
    if endpoint.state == State.ACTIVE:
        return
    fields = {"state": State.ACTIVE, "failures_in_row": 0, "next_probe_at": None}
    if endpoint.project_uid:
        fields["owner"] = actor.user
    _save(actor, endpoint, "webhook.resume", fields)
    hurry(endpoint)


def _save(actor: Actor, endpoint: WebhookEndpoint, action: str, fields: Mapping[str, Any], **detail: Any) -> None:
    """Write what has changed, and that it was changed. Raises WebhookEndpoint.DoesNotExist where it has just gone."""
    written = {**fields, "updated_at": timezone.now()}
    with transaction.atomic(using=router.db_for_write(WebhookEndpoint)):
        if not WebhookEndpoint.objects.filter(pk=endpoint.pk).update(**written):
            raise WebhookEndpoint.DoesNotExist
        _note(actor, endpoint, action, **detail)
    for name, value in written.items():
        setattr(endpoint, name, value)


def _note(actor: Actor, endpoint: WebhookEndpoint, action: str, **detail: Any) -> None:
    audit.record(
        actor.user,
        action,
        credential=actor.credential,
        project_uid=endpoint.project_uid,
        target=endpoint.uid,
        **detail,
    )
