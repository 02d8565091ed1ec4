"""The norm from float32 blocks: accurate where it is worst, and given up where squares leave float32."""

import pytest

torch = pytest.importorskip("torch")

from varlaw.impl.torch import global_norm  # noqa: E402


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1.0000001, 7e-5])
def test_equal_entries_are_the_worst_case_of_a_sum_in_blocks(value: float) -> None:
    """Every addition of a block then rounds alike; one float32 sum of all is off a hundredfold."""
    leaf = torch.full((1 << 20,), value)
    exact = float(leaf[0]) * 2.0**10
    assert float(global_norm([leaf])) == pytest.approx(exact, rel=2.0**-22)


@pytest.mark.parametrize("value", [1e-30, 1e-19, 1e-15, 1e18, 3e19, 1e38])
def test_blocks_give_way_where_squares_leave_float32(value: float) -> None:
    for leaf in (torch.full((1 << 16,), value), torch.full((1 << 16,), value).view(256, 256).t()):
        assert float(global_norm([leaf])) == pytest.approx(float(leaf[0, ...].max()) * 2.0**8, rel=2.0**-22)


@pytest.mark.parametrize("sizes", [[20_000] * 60, [3] * 9000, [16_384, 5, 40_001, 1], [1 << 21]])
def test_every_entry_counts_once_wherever_it_lies(sizes: list[int]) -> None:
    generator = torch.Generator().manual_seed(0)
    leaves = [torch.randn(size, generator=generator) for size in sizes]
    exact = float(torch.cat(leaves).double().norm())
    assert float(global_norm(leaves)) == pytest.approx(exact, rel=2.0**-22)
