"""Requests that schemathesis makes up from the schema, as three roles: no 5xx, no answer that it does not name."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.site import Site

_REQUESTS = 10_000
_SEED = 20261124
_CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
# What a path's uid names, by how the path begins.
_KINDS = {
    "/api/v1/users/me/projects/": "project",
    "/api/v1/projects/": "project",
    "/api/v1/items/": "item",
    "/api/v1/annotations/": "annotation",
    "/api/v1/auto-label-jobs/": "job",
    "/api/v1/bulk-reviews/": "bulk",
    "/api/v1/webhooks/": "endpoint",
    "/api/v1/webhook-deliveries/": "delivery",
}
# Mostly what is there: a made-up uid leads no further than to a 404.
_REAL = 0.8


def run(scale: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="security-") as folder:
        site = Site(Path(folder) / "site", RATE_LIMIT_PER_KEY="0", RATE_LIMIT_PER_ADDRESS="0", LOG_LEVEL="CRITICAL")
        try:
            world = site.ask("from benchmarks.security.fuzz_rows import make\nanswer = make()")
            return _fuzz(site.serve(), world, round(_REQUESTS * scale))
        finally:
            site.stop()


def _fuzz(address: str, world: dict[str, Any], wanted: int) -> dict[str, Any]:
    schema = schemathesis.openapi.from_url(f"{address}/api/v1/schema/?format=json")
    operations = [found.ok() for found in schema.get_all_operations()]
    dice = random.Random(_SEED)
    statuses: Counter[int] = Counter()
    failures: dict[str, str] = {}

    def try_out(operation: Any, mode: GenerationMode, key: str, role: str, examples: int) -> None:
        @seed(_SEED)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def one(case: Any) -> None:
            _name_what_is_there(case, world["uids"], dice)
            answer = case.call(headers={"Authorization": f"Bearer {key}"}, timeout=60)
            statuses[answer.status_code] += 1
            try:
                case.validate_response(answer, checks=_CHECKS)
            except BaseExceptionGroup as failure:
                failures.setdefault(f"{role}: {operation.label} {answer.status_code}", str(failure)[:1500])

        one()

    examples = max(1, -(-wanted // (len(operations) * len(world["keys"]) * 2)))
    while sum(statuses.values()) < wanted:
        before = sum(statuses.values())
        for role, key in world["keys"].items():
            for operation in operations:
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    _quietly(try_out, operation, mode, key, role, examples)
        assert sum(statuses.values()) > before, "Nothing was sent."
    for where, what in failures.items():
        print(f"--- {where}\n{what}")
    return {
        "requests": sum(statuses.values()),
        "operations": len(operations),
        "roles": len(world["keys"]),
        "statuses": dict(sorted(statuses.items())),
        "violations": len(failures),
        "ok": not failures and not any(status >= 500 for status in statuses),
    }


def _quietly(try_out: Any, operation: Any, mode: GenerationMode, *arguments: Any) -> None:
    """An operation that takes nothing cannot be asked wrongly."""
    from hypothesis.errors import Unsatisfiable

    try:
        try_out(operation, mode, *arguments)
    except Unsatisfiable:
        return


def _name_what_is_there(case: Any, uids: dict[str, list[str]], dice: random.Random) -> None:
    kind = next((kind for start, kind in _KINDS.items() if case.operation.full_path.startswith(start)), None)
    if kind is None or not case.path_parameters or dice.random() > _REAL:
        return
    for name in case.path_parameters:
        case.path_parameters[name] = dice.choice(uids[kind])
