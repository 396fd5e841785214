"""What the schema says of every operation, so that no view has to: the refusals that all of them share."""

from __future__ import annotations

from typing import Any

__all__ = ["add_refusals"]

_DETAIL = {"type": "object", "properties": {"detail": {"type": "string"}}, "required": ["detail"]}
_FIELDS = {"type": "object", "description": "What is wrong, by field."}
_LIMITS = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
    "X-RateLimit-Limit": {"description": "Requests a minute.", "schema": {"type": "integer"}},
    "X-RateLimit-Remaining": {"description": "Requests left until then.", "schema": {"type": "integer"}},
    "X-RateLimit-Reset": {"description": "When the minute ends, as Unix time.", "schema": {"type": "integer"}},
}
_BODIES = ("post", "put", "patch")


def add_refusals(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular."""
    for operations in result["paths"].values():
        for method, operation in operations.items():
            if not isinstance(operation, dict) or "responses" not in operation:
                continue
            responses = operation["responses"]
            for status, response in _refusals(method, operation).items():
                responses.setdefault(status, response)
            for status in responses:
                # Refused by a field's validation, a body is not of the one shape that a view names.
                if status == "400" and "content" not in responses[status]:
                    responses[status] = {**responses[status], "content": {"application/json": {"schema": _FIELDS}}}
    return result


def _refusals(method: str, operation: dict[str, Any]) -> dict[str, Any]:
    """By status."""
    named = any(one["in"] == "path" for one in operation.get("parameters", ()))
    found = {
        "400": _refusal("A parameter or a field is wrong; the answer names it.", _FIELDS),
        "401": _refusal("No valid credentials."),
        "403": _refusal("Your role, or the scope of the API key, does not allow this."),
        "429": {**_refusal("Too many requests; Retry-After says when to ask again."), "headers": _LIMITS},
    }
    if named or any(one["in"] == "query" for one in operation.get("parameters", ())):
        found["404"] = _refusal("There is no such thing, or you may not see it; or there is no such page.")
    if method in _BODIES:
        found["413"] = _refusal("The body is too large.")
        found["415"] = _refusal("The body is of a type that is not taken here.")
    return found


def _refusal(description: str, schema: dict[str, Any] = _DETAIL) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
