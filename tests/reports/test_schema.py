"""The record file: what is written reads back, follows the published schema, and nothing else is accepted."""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from varlaw.claims.verdict import Outcome, Run, Verdict
from varlaw.reports import schema
from varlaw.reports.files import ReportError, write_all_whole

PUBLISHED = Path(schema.__file__).parent / "run.schema.json"


def rebuilt(verdict: Verdict, **changes: Any) -> Verdict:
    fields = {name: getattr(verdict, name) for name in verdict.__struct_fields__}
    return Verdict(**{**fields, **changes})


def validate(path: Path) -> Any:
    found = json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda word: pytest.fail(f"{word} in JSON"))
    published = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(published).validate(found)
    return found


def test_published_schema_is_what_the_records_give() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == schema.schema_text()
    jsonschema.Draft202012Validator.check_schema(json.loads(PUBLISHED.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["run", "hostile_run", "large_run"])
def test_what_is_written_reads_back_and_validates(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    run: Run = request.getfixturevalue(name)
    schema.write(run, tmp_path / "run.json")
    assert schema.read(tmp_path / "run.json") == run
    if name != "large_run":  # jsonschema takes a minute over ten thousand verdicts
        assert validate(tmp_path / "run.json")["schema"] == "varlaw.run/1"


def test_empty_run_reads_back(make_run: Callable[..., Run], tmp_path: Path) -> None:
    schema.write(make_run([]), tmp_path / "run.json")
    assert schema.read(tmp_path / "run.json").verdicts == []
    validate(tmp_path / "run.json")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_become_null(value: float, run: Run, tmp_path: Path) -> None:
    odd = rebuilt(
        run.verdicts[0], observed=value, ratio=value, interval=(value, value), case={"low": value, "x": [value]}
    )
    schema.write(Run(run=run.run, verdicts=[odd]), tmp_path / "run.json")
    found = validate(tmp_path / "run.json")["verdicts"][0]
    assert (found["observed"], found["ratio"], found["interval"]) == (None, None, [None, None])
    assert found["case"] == {"low": None, "x": [None]}


def test_a_required_number_that_is_not_finite_is_refused(run: Run, tmp_path: Path) -> None:
    odd = rebuilt(run.verdicts[0], delta=math.nan)
    with pytest.raises(ReportError, match=r"delta") as caught:
        schema.write(Run(run=run.run, verdicts=[odd]), tmp_path / "run.json")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_values_that_json_has_no_word_for(run: Run, tmp_path: Path) -> None:
    import numpy as np

    case = {"n": np.int64(3), "x": np.float32(0.5), "shape": (2, 3), "path": Path("a"), "text": "\ud800"}
    odd = rebuilt(run.verdicts[0], case=case, detail="lone \udfff")
    schema.write(Run(run=run.run, verdicts=[odd]), tmp_path / "run.json")
    found = validate(tmp_path / "run.json")["verdicts"][0]
    assert found["case"] == {"n": 3, "x": 0.5, "shape": [2, 3], "path": "a", "text": "\\ud800"}
    assert found["detail"] == "lone \\udfff"


def good(run: Run) -> bytes:
    return schema.encode(run)


BAD = {
    "empty": (lambda data: b"", "is empty"),
    "blank": (lambda data: b" \n", "is empty"),
    "truncated": (lambda data: data[: len(data) // 2], "is truncated"),
    "text": (lambda data: b"hello", "is not JSON"),
    "bytes": (lambda data: b"\xff\xfe\x00", "is not JSON"),
    "deep": (lambda data: b"[" * 100_000, "is not JSON"),
    "list": (lambda data: b"[1, 2]", "no schema of ours"),
    "foreign": (lambda data: b'{"schema": "other/1"}', "schema 'other/1'"),
    "unversioned": (lambda data: b'{"schema": "varlaw.run/x"}', "schema 'varlaw.run/x'"),
    "number": (lambda data: b'{"schema": 7}', "no schema of ours"),
    "future": (lambda data: data.replace(b"varlaw.run/1", b"varlaw.run/2", 1), "newer than"),
    "never written": (lambda data: data.replace(b"varlaw.run/1", b"varlaw.run/0", 1), "no varlaw has written"),
    "field missing": (lambda data: data.replace(b'"claim"', b'"other"', 1), r"claim"),
    "outcome unknown": (lambda data: data.replace(b'"CONFORMS"', b'"PASSED"', 1), r"PASSED"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_refused_in_one_line(name: str, run: Run, tmp_path: Path) -> None:
    spoil, reason = BAD[name]
    path = tmp_path / "run.json"
    path.write_bytes(spoil(good(run)))
    with pytest.raises(ReportError, match=reason) as caught:
        schema.read(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("path", ["missing.json", "."])
def test_no_file_there(path: str, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="cannot read"):
        schema.read(tmp_path / path)


def test_older_versions_are_upgraded_step_by_step(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def renamed(found: dict[str, Any]) -> dict[str, Any]:
        return {**{k: v for k, v in found.items() if k != "records"}, "verdicts": found["records"]}

    monkeypatch.setitem(schema.UPGRADES, 0, renamed)
    found = json.loads(good(run))
    found |= {"schema": "varlaw.run/0", "records": found.pop("verdicts")}
    (tmp_path / "old.json").write_text(json.dumps(found), encoding="utf-8")
    assert schema.read(tmp_path / "old.json") == run


def test_the_first_version_still_reads() -> None:
    run = schema.read(Path(__file__).parent / "data" / "run-v1.json")
    assert {v.outcome for v in run} == set(Outcome)


def test_a_failed_write_leaves_the_old_file_whole(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    schema.write(run, path)
    before = path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ReportError, match="No space left"):
        schema.write(Run(run=run.run, verdicts=[]), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_one_failure_writes_no_file_of_several(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ReportError, match="folder"):
        write_all_whole({tmp_path / "a": b"a", tmp_path / "folder": b"b"})
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_a_file_where_a_folder_should_be(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(ReportError, match="cannot write") as caught:
        schema.write(run, tmp_path / "file" / "run.json")
    assert "\n" not in str(caught.value)


def test_the_mark_that_some_editors_put_before_a_text_is_no_part_of_it(run: Run) -> None:
    assert schema.decode(b"\xef\xbb\xbf" + schema.encode(run), where="x") == schema.as_recorded(run)
