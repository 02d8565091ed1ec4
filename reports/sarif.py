"""SARIF 2.1.0: a rule a claim, a result a finding, as code scanning reads them.

A result needs a file to stand beside. A subject is a name that is imported, no line of the user's, so the file is the
one that says what is verified: pyproject.toml. What holds is no result: the properties of the run count it.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from varlaw.claims.verdict import Run
from varlaw.reports.concise import line
from varlaw.reports.counts import headline, told_apart
from varlaw.reports.groups import Group
from varlaw.reports.texts import plain

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS: Final = {"VIOLATES": "error", "error": "error", "undecided": "warning"}
PLACE: Final = {"artifactLocation": {"uri": "pyproject.toml"}, "region": {"startLine": 1}}


def lines(run: Run, findings: list[Group]) -> Iterator[str]:
    """The log of a run as one JSON object over several lines."""
    claims = {group.claim: group.worst.statement for group in findings}
    rules = [{"id": name, "shortDescription": {"text": plain(statement)}} for name, statement in claims.items()]
    driver = {"name": "varlaw", "semanticVersion": run.run.varlaw, "rules": rules}
    log = {"$schema": SCHEMA, "version": "2.1.0"}
    counts = {"outcome": headline(run), "verdicts": told_apart(run)}
    results = [_result(group) for group in findings]
    yield json.dumps(
        {**log, "runs": [{"tool": {"driver": driver}, "properties": counts, "results": results}]}, indent=1
    )


def _result(group: Group) -> dict[str, Any]:
    names = {"fullyQualifiedName": plain(group.subject), "kind": "member"}
    return {
        "ruleId": group.claim,
        "level": LEVELS.get(group.state, "note"),
        "message": {"text": line(group)},
        "locations": [{"physicalLocation": PLACE, "logicalLocations": [names]}],
        "partialFingerprints": {"row/v1": " ".join(filter(None, [group.key[0], group.subject, group.claim]))},
    }
