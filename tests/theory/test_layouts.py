"""Fans: counted connection by connection on small layers, against the formula of every layout."""

import itertools
import math
from collections.abc import Sequence

import pytest

from varlaw.theory import LAWS
from varlaw.theory.laws.schemes import fan
from varlaw.theory.layouts import LAYOUTS, Fans, Layout, fans, shape_fans

from .routes import takes


def counted(cin: int, cout: int, kernel: Sequence[int], groups: int, stride: Sequence[int]) -> Fans:
    """Mean fans of a circular convolution, by listing every (input, output) connection."""
    sizes = [3 * s * max(1, -(-k // s)) for k, s in zip(kernel, stride, strict=True)]
    outs = list(itertools.product(*(range(0, n, s) for n, s in zip(sizes, stride, strict=True))))
    links = 0
    for _ in outs:
        for o in range(cout):
            group = o // (cout // groups)
            links += sum(1 for i in range(cin) if i // (cin // groups) == group) * math.prod(kernel)
    return Fans(links / (len(outs) * cout), links / (math.prod(sizes) * cin))


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(("cin", "cout", "groups"), [(4, 6, 1), (4, 6, 2), (3, 6, 3)])
@pytest.mark.parametrize("step", [1, 2])
def test_convolutions_and_their_adjoints(rank: int, cin: int, cout: int, groups: int, step: int) -> None:
    kernel, stride = (3, 2, 2)[:rank], (step, 1, 2)[:rank]
    want = counted(cin, cout, kernel, groups, stride)
    got = fans(f"torch.conv{rank}d", (cout, cin // groups, *kernel), groups=groups, stride=stride)
    assert got == pytest.approx(want)
    assert fans("jax.conv", (*kernel, cin // groups, cout), groups=groups, stride=stride) == pytest.approx(want)
    assert fans("mlx.conv", (cout, *kernel, cin // groups), groups=groups, stride=stride) == pytest.approx(want)
    # The adjoint maps cout channels back to cin: inputs and outputs change places.
    back = fans(f"torch.conv_transpose{rank}d", (cout, cin // groups, *kernel), groups=groups, stride=stride)
    assert back == pytest.approx((want.fan_out, want.fan_in))


@pytest.mark.parametrize(
    ("layout", "shape", "want"),
    [
        ("torch.linear", (5, 7), (7, 5)),
        ("keras.dense", (7, 5), (7, 5)),
        ("transformers.conv1d", (7, 5), (7, 5)),
        ("torch.bilinear", (2, 3, 4), (12, 8)),
        ("torch.embedding", (50, 8), (1, 8)),
        ("torch.positions", (1, 50, 8), (1, 8)),
        ("torch.experts", (8, 48, 64), (64, 48)),
        ("torch.experts_in_out", (8, 48, 64), (48, 64)),
        ("torch.packed_qkv", (24, 8), (8, 8)),
        ("torch.lstm", (64, 8), (8, 16)),
        ("torch.gru", (48, 8), (8, 16)),
        ("torch.rnn", (16, 8), (8, 16)),
        ("keras.lstm", (8, 64), (8, 16)),
        ("keras.depthwise_conv", (3, 3, 8, 2), (9, 18)),
        ("keras.conv_transpose", (3, 3, 8, 4), (36, 72)),
        ("jax.conv_transpose", (3, 3, 4, 8), (36, 72)),
    ],
)
def test_layouts_read_their_axes(layout: str, shape: tuple[int, ...], want: tuple[float, float]) -> None:
    assert fans(layout, shape) == want


def test_blocks_can_be_told() -> None:
    assert fans("torch.recurrent", (64, 8), blocks=4) == (8, 16)


def test_depthwise_torch_is_a_grouped_convolution() -> None:
    assert fans("torch.conv2d", (8, 1, 3, 3), groups=8) == (9, 9)
    assert shape_fans((8, 1, 3, 3)) == (9, 72)  # the convention: wrong by the number of groups


@takes("conv.fan_in", "conv.fan_out", "conv_transpose.fan_in", "conv_transpose.fan_out")
def test_laws_agree_with_layouts() -> None:
    got = fans("torch.conv2d", (64, 8, 3, 3), groups=4, stride=2)
    assert got.fan_in == LAWS["conv.fan_in"].value(channels_in=32, groups=4, taps=9)
    assert got.fan_out == LAWS["conv.fan_out"].value(channels_out=64, groups=4, taps=9, strides=4)
    got = fans("torch.conv_transpose2d", (64, 8, 3, 3), groups=4, stride=2)
    assert got.fan_in == LAWS["conv_transpose.fan_in"].value(channels_in=64, groups=4, taps=9, strides=4)
    assert got.fan_out == LAWS["conv_transpose.fan_out"].value(channels_out=32, groups=4, taps=9)


@takes("conv_transpose.taps_at")
def test_transposed_taps_average_to_the_fan() -> None:
    law = LAWS["conv_transpose.taps_at"]
    for kernel, stride in itertools.product(range(1, 8), range(1, 5)):
        mean = sum(law.value(position=p, kernel=kernel, stride=stride) for p in range(stride)) / stride
        assert mean == pytest.approx(kernel / stride, rel=1e-15)


def transposed(size: int, kernel: int, stride: int, dilation: int) -> list[int]:
    """Terms of each output of an untrimmed transposed convolution: every tap of every input laid down once."""
    counts = [0] * ((size - 1) * stride + dilation * (kernel - 1) + 1)
    for place, tap in itertools.product(range(size), range(kernel)):
        counts[place * stride + tap * dilation] += 1
    return counts


@takes("conv_transpose.border_taps_at", "conv_transpose.mean_taps")
def test_transposed_taps_at_the_border() -> None:
    at, mean = LAWS["conv_transpose.border_taps_at"], LAWS["conv_transpose.mean_taps"]
    inner = LAWS["conv_transpose.taps_at"]
    for kernel, size, stride, dilation in itertools.product((1, 2, 3, 5), (1, 2, 9), (1, 2, 3, 4), (1, 2, 3, 4)):
        counts = transposed(size, kernel, stride, dilation)
        case = {"kernel": kernel, "size": size, "stride": stride, "dilation": dilation}
        for padding in {0, 1, 3, len(counts) - 1}:
            kept = [at.value(position=p, padding=padding, **case) for p in range(len(counts) - padding)]
            assert kept == counts[padding:]
        assert mean.value(**case) == pytest.approx(sum(counts) / len(counts), rel=1e-15)
        if dilation == 1 and size == 9:
            middle = range(kernel, len(counts) - kernel)
            assert all(counts[p] == inner.value(position=p, kernel=kernel, stride=stride) for p in middle)


def test_transposed_taps_are_those_of_torch() -> None:
    torch = pytest.importorskip("torch")
    at = LAWS["conv_transpose.border_taps_at"]
    for kernel, size, stride, padding, dilation in itertools.product(
        (1, 3, 4), (2, 7), (1, 2, 3), (0, 1, 2), (1, 2, 3)
    ):
        case = {"kernel": kernel, "size": size, "stride": stride, "padding": padding, "dilation": dilation}
        extra = min(max(stride, dilation) - 1, 1)
        if (size - 1) * stride + dilation * (kernel - 1) + 1 + extra <= 2 * padding:
            continue
        ones = torch.ones(1, 1, size, dtype=torch.float64), torch.ones(1, 1, kernel, dtype=torch.float64)
        moves = {"stride": stride, "padding": padding, "dilation": dilation, "output_padding": extra}
        found = torch.nn.functional.conv_transpose1d(*ones, **moves)[0, 0].tolist()
        assert found == [at.value(position=p, **case) for p in range(len(found))]


@takes("padding.taps_at", "padding.mean_taps")
def test_padding_map_averages_to_its_mean() -> None:
    at, mean = LAWS["padding.taps_at"], LAWS["padding.mean_taps"]
    for kernel, size in itertools.product((1, 3, 5, 9, 15), (1, 2, 3, 8, 20)):
        pad = (kernel - 1) // 2
        total = sum(
            at.value(position=p, kernel=kernel, size=size, stride=1, padding=pad, dilation=1) for p in range(size)
        )
        assert mean.value(kernel=kernel, size=size) == pytest.approx(total / size, rel=1e-15)
    assert mean.value(kernel=3, size=8) ** 2 == 7.5625


def test_modes() -> None:
    assert [fan(Fans(2.0, 6.0), mode) for mode in ("fan_in", "fan_out", "fan_avg")] == [2.0, 6.0, 4.0]
    with pytest.raises(ValueError, match=r"^mode='fan', but should be one of .*\[fan\]$"):
        fan(Fans(2.0, 6.0), "fan")


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: fans("torch.dense", (3, 3)), "layout"),
        (lambda: fans("torch.linear", (3, 3, 3)), "shape"),
        (lambda: fans("keras.conv", (3, 3)), "shape"),
        (lambda: fans("torch.linear", (0, 3)), "side of shape"),
        (lambda: fans("torch.linear", (2.5, 3)), "side of shape"),
        (lambda: fans("torch.conv1d", (4, 3, 3), groups=3), "groups"),
        (lambda: fans("torch.linear", (4, 3), groups=2), "groups"),
        (lambda: fans("torch.packed_qkv", (4, 3)), "blocks"),
        (lambda: fans("torch.conv2d", (4, 3, 3, 3), stride=(1, 2, 3)), "stride"),
        (lambda: fans("torch.conv2d", (4, 3, 3, 3), stride=0), "stride"),
        (lambda: shape_fans((3,)), "shape"),
        (lambda: shape_fans((10**400, 3)), "side of shape"),
        (lambda: shape_fans((2**32, 2**32)), "shape"),
        (lambda: fans("torch.linear", (10**5000, 3)), "side of shape"),
        (lambda: fans("torch.linear", (3, 3), groups=10**400), "groups"),
    ],
)
def test_bad_input_is_named_in_one_line(call: object, name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name}=.*\[.*\]$"):
        call()  # type: ignore[operator]


def test_layouts_are_data() -> None:
    assert all(isinstance(row, Layout) for row in LAYOUTS.values())
    with pytest.raises(TypeError):
        LAYOUTS["new"] = Layout(("out", "in"))  # type: ignore[index]
