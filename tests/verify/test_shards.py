"""Parts of a run: together they are the whole, each subject in one of them."""

import pytest

from varlaw.commands.verify import _workers
from varlaw.subjects.targets import NothingSelected
from varlaw.verify import plan

TARGETS = ("varlaw.numpy.*uniform*",)


def _keys(shard: tuple[int, int]) -> list[str]:
    request = plan.Request(targets=TARGETS, dtypes=("float32",), shard=shard)
    return [plan.replay_key(task, "pr", "s") for task in plan.plan(request).tasks]


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_the_parts_are_the_whole(parts: int) -> None:
    found = [key for part in range(parts) for key in _keys((part + 1, parts))]
    assert sorted(found) == sorted(_keys((1, 1)))
    assert len(set(found)) == len(found)


def test_a_part_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shard=3/2, but should be k/n with 1 <= k <= n"):
        plan.Request(shard=(3, 2))
    with pytest.raises(NothingSelected, match=r"shard 99/99 is empty: the targets match \d+ subjects"):
        _keys((99, 99))


def test_short_runs_start_no_process_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert [_workers(None, n) for n in (0, 300, 1_000, 100_000)] == [1, 1, 2, 8]
    assert _workers(2, 10) == 2
