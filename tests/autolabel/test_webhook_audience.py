"""Who hears of the end of a job: the project's endpoints, and those of people who see it now."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone

from annotation_platform.autolabel_host import PlatformHost
from annotation_platform.models import Membership, Project
from autolabel.hosts.base import Actor
from autolabel.jobs import lifecycle
from autolabel.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from autolabel.webhooks import delivery, endpoints
from tests.factories import make_member, make_project, make_user

from .builders import make_job
from .receivers import Receiver
from .sending import ALL, ended_job, let_time_pass, send_all

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rings", "fake_model")]


def test_only_endpoints_of_the_project_and_of_people_who_see_it_now_get_its_events(
    server: Receiver, owner: Any
) -> None:
    project = make_project(members={owner: "manager"})
    other = make_project(members={owner: "manager"})
    stranger, inactive = make_user("stranger"), make_user("inactive")
    make_member(project, "viewer", inactive)

    def add(person: Any, **fields: Any) -> WebhookEndpoint:
        return endpoints.create(Actor(person), **{"target_url": server.url, "events": ALL, **fields})[0]

    mine, of_project = add(owner), add(owner, project_uid=project.uid)
    add(owner, project_uid=other.uid)
    add(owner, events=["auto_label.failed"])
    add(stranger)
    add(inactive)
    inactive.is_active = False
    inactive.save()
    lifecycle.cancel(make_job(project, status="running", planned_at=timezone.now()).pk)
    add(owner)  # later than the event

    assert send_all() == 2
    assert set(WebhookDelivery.objects.values_list("endpoint", flat=True)) == {mine.pk, of_project.pk}


def test_what_waits_for_somebody_who_has_left_the_project_is_not_sent(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any
) -> None:
    ended_job(owner)
    server.answer = 500
    send_all()
    Membership.objects.filter(user=owner).delete()
    let_time_pass()
    send_all()

    assert len(server.requests) == 1
    row = WebhookDelivery.objects.get()
    assert row.status == "failed"
    assert row.log.first().error == "Not sent: the owner of the endpoint no longer sees the project."


def test_an_endpoint_of_a_project_whose_owner_has_left_waits_for_another_to_take_it_over(
    server: Receiver, owner: Any
) -> None:
    job = ended_job(owner)
    heir = make_member(Project.objects.get(uid=job.project_uid), "manager")
    endpoint, _ = endpoints.create(Actor(owner), target_url=server.url, events=ALL, project_uid=job.project_uid)
    WebhookEvent.objects.update(created_at=timezone.now())
    Membership.objects.filter(user=owner).delete()
    send_all()

    endpoint.refresh_from_db()
    row = WebhookDelivery.objects.get()
    assert (server.requests, endpoint.state, row.status, row.attempts) == ([], "orphaned", "pending", 0)
    assert send_all() == 0

    endpoints.resume(Actor(heir), endpoint)
    assert send_all() == 1
    assert (len(server.requests), endpoint.owner) == (1, heir)


def test_who_is_deleted_leaves_the_endpoints_of_projects_and_takes_their_own_along(
    server: Receiver, owner: Any
) -> None:
    job = ended_job(owner)
    endpoints.create(Actor(owner), target_url=server.url, events=ALL, project_uid=job.project_uid)
    endpoints.create(Actor(owner), target_url=server.url, events=ALL)
    WebhookEvent.objects.update(created_at=timezone.now())
    owner.delete()
    send_all()
    delivery.tidy()

    left = WebhookEndpoint.objects.get()
    assert (server.requests, left.project_uid, left.state) == ([], job.project_uid, "orphaned")


def test_an_event_is_spread_once_however_many_senders_there_are(endpoint: WebhookEndpoint, owner: Any) -> None:
    ended_job(owner)
    assert [delivery.spread(), delivery.spread()] == [1, 0]
    WebhookEvent.objects.update(spread_at=None)  # killed before its commit was known
    delivery.spread()
    assert WebhookDelivery.objects.count() == 1


def test_an_event_that_a_host_fails_at_stops_no_other(
    server: Receiver, endpoint: WebhookEndpoint, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = ended_job(owner), ended_job(owner)
    real = PlatformHost.get_project

    def failing(self: PlatformHost, uid: str, user: Any) -> Any:
        if uid == bad.project_uid:
            raise TimeoutError("the host is away")
        return real(self, uid, user)

    monkeypatch.setattr(PlatformHost, "get_project", failing)
    assert send_all() == 1
    monkeypatch.undo()
    assert json.loads(server.requests[0].body)["uid"] == good.uid
