"""The record of a checked model as a file: one JSON object with a published schema."""

import json
from typing import Any

import msgspec

from varlaw.diagnose.records import SCHEMA, ModelRecord


def encode(record: ModelRecord) -> str:
    """The record as JSON text, indented; a number that is not finite is null."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1).decode()


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the record."""
    family, version = SCHEMA.split("/")
    found = msgspec.json.schema(ModelRecord)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{family.replace('.', ':')}:{version}",
        "title": "A torch model as varlaw check found it",
        **found,
    }


def schema_text() -> str:
    """The published file, as it stands in `reports/model.schema.json`."""
    return json.dumps(json_schema(), indent=2, sort_keys=True) + "\n"
