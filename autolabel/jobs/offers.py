"""What the catalog offers, and to whom: each model with what live workers have published about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.module_loading import import_string

from autolabel.exceptions import without_paths
from autolabel.inference.base import BoxPredictor, ModelSpec
from autolabel.inference.registry import missing_weights
from autolabel.models import Worker

from .catalog import catalog

__all__ = ["Offer", "find_offer", "may_use", "not_for_you", "published_models"]

_NO_WORKER = "Waiting for a worker: start one with manage.py autolabel_worker."
_NOT_LOADED = "A worker is about to load it."


@dataclass(frozen=True, slots=True)
class Offer:
    """A model and what live workers say of it at its default version.

    `facts` are those of one that has it ready, if any has; empty while none has tried (see Worker.served_models).
    """

    spec: ModelSpec
    facts: Mapping[str, Any]
    workers: int  # how many live workers serve it

    @property
    def ready(self) -> bool:
        return bool(self.facts.get("ready"))

    @property
    def refusal(self) -> str:
        """Why no job of this model can be taken; empty where one would run, or wait for a worker."""
        if self.ready:
            return ""
        return missing_weights(self.spec) or str(self.facts.get("reason", ""))

    @property
    def reason(self) -> str:
        """Why it cannot run at the moment; empty when it can."""
        if self.ready:
            return ""
        if self.workers:
            return self.refusal or _NOT_LOADED
        return self.refusal or " ".join(filter(None, (_NO_WORKER, _import_problem(self.spec))))

    @property
    def takes_boxes(self) -> bool | None:
        """Whether it makes masks of boxes; None where neither a worker nor the predictor's class can tell."""
        if self.ready:
            return bool(self.facts.get("takes_boxes"))
        try:
            return issubclass(import_string(self.spec.predictor), BoxPredictor)
        except Exception:
            return None


def published_models(user: Any = None) -> list[dict[str, Any]]:
    """Each model with what live workers have published about it; `ready` if any of them can run it.

    `allowed` is about `user`; None stands for who may do everything.
    """
    workers = list(Worker.objects.live())
    return [_published(_offer(spec, workers), user) for spec in catalog().values()]


def find_offer(model_type: str) -> Offer:
    """The model of that name. Raises LookupError, with the names that there are, where there is none."""
    models = catalog()
    if model_type not in models:
        raise LookupError(", ".join(models))
    return _offer(models[model_type], list(Worker.objects.live()))


def may_use(user: Any, spec: ModelSpec) -> bool:
    """Whether `user` has the permission and is in the group that the model is for, where it names them."""
    if user is None or (user.is_active and user.is_superuser):
        return True
    permitted = not spec.permission or user.has_perm(spec.permission)
    return permitted and (not spec.group or user.groups.filter(name=spec.group).exists())


def not_for_you(spec: ModelSpec) -> str:
    """What somebody is told who may not use the model, with the way out."""
    missing = [f'the permission "{spec.permission}"'] if spec.permission else []
    missing += [f'the group "{spec.group}"'] if spec.group else []
    return f"You may not use the model {spec.model_type}. Ask an administrator for {' and '.join(missing)}."


def _offer(spec: ModelSpec, workers: Sequence[Worker]) -> Offer:
    serving = [worker for worker in workers if spec.model_type in worker.served_models]
    told = [_facts(worker, spec) for worker in serving]
    best = next((facts for facts in told if facts.get("ready")), None)
    # Where all have failed, the first says why; one that has not tried this version yet may still run it.
    return Offer(spec, best or (told[0] if all(told) and told else {}), len(serving))


def _facts(worker: Worker, spec: ModelSpec) -> Mapping[str, Any]:
    """What the worker has published about the model at that version; empty where it has not tried it."""
    facts: dict[str, Any] = worker.served_models[spec.model_type]
    if facts.get("registered", "") == spec.version:
        return facts
    failed = facts.get("failed_versions", {}).get(spec.version)
    return Worker.unready(failed, spec.version) if failed else {}


def _published(offer: Offer, user: Any) -> dict[str, Any]:
    spec, facts, allowed = offer.spec, offer.facts, may_use(user, offer.spec)
    return {
        "model_type": spec.model_type,
        "title": spec.title,
        "default_version": spec.version,
        "ready": offer.ready,
        "reason": offer.reason if allowed else not_for_you(spec),
        "allowed": allowed,
        "startable": allowed and not offer.refusal,
        "name": facts.get("name", ""),
        "version": facts.get("version", ""),
        "labels": facts.get("labels"),
        "output_kinds": facts.get("kinds", []),
        "takes_boxes": bool(offer.takes_boxes),
        "device": facts.get("device", ""),
        "engine": facts.get("engine", ""),
        "notes": list(facts.get("notes", ())),
        "workers": offer.workers,
    }


def _import_problem(spec: ModelSpec) -> str:
    """What keeps this process from importing the predictor; a worker may have what is missing here."""
    try:
        import_string(spec.predictor)
    except ImportError as error:
        return f"This server cannot import {spec.predictor}: {without_paths(error)}."
    except Exception as error:
        return f"This server cannot import {spec.predictor} ({type(error).__name__})."
    return ""
