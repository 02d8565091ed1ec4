"""The record of a checked model, and of what is advised, as a file: one JSON object with a published schema."""

import json
from typing import Any

import msgspec

from varlaw.diagnose.advising.records import SCHEMA as ADVICE
from varlaw.diagnose.advising.records import AdviceRecord
from varlaw.diagnose.records import SCHEMA, ModelRecord

PUBLISHED = {  # file beside this package -> its schema, record and title
    "model.schema.json": (SCHEMA, ModelRecord, "A torch model as varlaw check found it"),
    "advice.schema.json": (ADVICE, AdviceRecord, "What varlaw advise says about a torch model"),
}


def encode(record: ModelRecord) -> str:
    """The record as JSON text, indented; a number that is not finite is null."""
    return msgspec.json.format(msgspec.json.encode(record), indent=1).decode()


def json_schema(file: str = "model.schema.json") -> dict[str, Any]:
    """The JSON Schema of a record, by the file in which it is published."""
    name, record, title = PUBLISHED[file]
    family, version = name.split("/")
    found = msgspec.json.schema(record)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{family.replace('.', ':')}:{version}",
        "title": title,
        **found,
    }


def schema_text(file: str = "model.schema.json") -> str:
    """The published file, as it stands in `reports/`."""
    return json.dumps(json_schema(file), indent=2, sort_keys=True) + "\n"
