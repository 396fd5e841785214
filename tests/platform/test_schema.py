from __future__ import annotations

import json
import re
from typing import Any

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

from annotation_platform.api import urls


@pytest.fixture(scope="module")
def schema() -> Any:
    GENERATOR_STATS.reset()
    return SchemaGenerator(patterns=urls.urlpatterns).get_schema(request=None, public=True)


def test_the_openapi_schema_is_made_without_a_warning(schema: Any) -> None:
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache


def test_every_reference_leads_somewhere(schema: Any) -> None:
    references = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(schema)))

    assert references
    assert references <= set(schema["components"]["schemas"])


def test_every_route_is_described_and_summarised(schema: Any) -> None:
    operations = [operation for path in schema["paths"].values() for operation in path.values()]

    assert len(schema["paths"]) == len(urls.urlpatterns)
    assert all(operation.get("summary") for operation in operations)


def test_the_three_key_headers_are_described(schema: Any) -> None:
    schemes = schema["components"]["securitySchemes"]

    assert schemes["bearerKey"] == {"type": "http", "scheme": "bearer"}
    assert {schemes[name]["name"] for name in ("xApiKey", "xAvalaApiKey")} == {"X-Api-Key", "X-Avala-Api-Key"}
