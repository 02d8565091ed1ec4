"""Keyed draws: one address, one value, whoever draws it and in whatever company."""

import math

import numpy as np
import pytest

import varlaw.impl.numpy as on_numpy
from varlaw.impl.keyed_streams import stream_key
from varlaw.impl.numpy.keyed import normal_at, uniform_at, words_at

LAWS = ("keyed_uniform", "keyed_normal", "keyed_truncated_normal")
CUT = {"std_of": "parent", "bounds": "sigmas"}


def given_of(law):
    """The choices that a law insists on."""
    return CUT if law == "keyed_truncated_normal" else {}


@pytest.fixture(params=LAWS)
def law(request):
    return request.param


def draw(backend, law, shape, **given):
    return backend.wide(
        getattr(backend, law)(shape, 0.1, **{"key": 5, "name": "layer.weight", **given_of(law), **given})
    )


def test_philox_gives_the_published_words():
    """The known answers of Random123 for philox4x64-10 with counter and key zero and all ones."""
    generator = np.random.Philox(key=0, counter=2**256 - 1)  # its first block is counter + 1
    known = [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]
    assert [int(word) for word in generator.random_raw(4)] == known
    first = np.random.Philox(key=9, counter=0).random_raw(12)
    assert np.array_equal(words_at((9, 0), 0, 12), first)
    assert np.array_equal(words_at((9, 0), 5, 4), first[5:9])


def test_tensor_operations_give_the_words_of_numpy():
    torch = pytest.importorskip("torch")
    from varlaw.impl.torch.philox import words_of

    key = stream_key(2**64 - 1, "a.b", "test")
    index = torch.cat([torch.arange(50), torch.arange(2**40, 2**40 + 50), torch.tensor([2**61])])
    high, low = words_of(key, index)
    found = [(int(h) << 32) | int(lo) for h, lo in zip(high, low, strict=True)]
    wanted = [int(words_at(key, int(i), 1)[0]) for i in index]
    assert found == wanted


@pytest.mark.parametrize("kind", ["float64", "float32"])
def test_tensor_operations_give_the_values_of_numpy(kind):
    """Bits for uniforms, at most 4 units in the last place for normals."""
    torch = pytest.importorskip("torch")
    from varlaw.impl.torch import keyed

    key, count = (123, 456), 20_001
    block = np.empty(count, kind)
    uniform_at(key, 3, block)
    index = torch.arange(3, 3 + count)
    assert np.array_equal(keyed.uniform_at(key, index, getattr(torch, kind)).numpy(), block)
    wanted = normal_at(key, 3, count, narrow=kind == "float32").astype(kind)
    found = keyed.normal_at(key, index, getattr(torch, kind)).numpy().astype(kind)
    np.testing.assert_array_max_ulp(found, wanted, maxulp=4)


def test_backends_agree(law, dtype):
    theirs = pytest.importorskip("varlaw.impl.torch")
    given = {"key": 11, "name": "w", "dtype": dtype, **given_of(law)}
    mine = getattr(on_numpy, law)((17, 9), 0.3, **given).astype(np.float64)
    other = getattr(theirs, law)((17, 9), 0.3, **given).double().numpy()
    unit = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}[dtype]
    assert np.all(np.abs(mine - other) <= (4 * unit * np.abs(mine) if law == "keyed_normal" else 0))


@pytest.mark.parametrize("whole", [(12,), (7, 5), (6, 4, 3), (3, 1, 5)])
def test_every_slice_has_the_values_of_the_whole(backend, law, dtype, whole):
    everything = draw(backend, law, whole, dtype=dtype)
    rng = np.random.default_rng(0)
    for _ in range(12):
        corner = tuple(int(rng.integers(0, n)) for n in whole)
        shape = tuple(int(rng.integers(0, n - c + 1)) for n, c in zip(whole, corner, strict=True))
        part = draw(backend, law, shape, offset=corner, within=whole, dtype=dtype)
        box = tuple(slice(c, c + n) for c, n in zip(corner, shape, strict=True))
        assert np.array_equal(part, everything[box])


def test_blocks_do_not_show(law):
    from varlaw.impl.numpy import keyed

    size = 3 * keyed.PIECE + 11
    address = {"key": 1, "name": "w", **given_of(law)}
    whole = getattr(on_numpy, law)(size, 1.0, **address)
    for start in (0, 1, keyed.PIECE - 1, keyed.PIECE, 2 * keyed.PIECE + 3):
        part = getattr(on_numpy, law)(
            size - start, 1.0, key=1, name="w", offset=(start,), within=(size,), **given_of(law)
        )
        assert np.array_equal(part, whole[start:])


def test_traced_slices_have_the_values_of_numpy(law, dtype, monkeypatch):
    """The path of accelerators and compilers, here on the CPU."""
    torch = pytest.importorskip("torch")
    import varlaw.impl.torch as ours
    from varlaw.impl.torch import keyed

    monkeypatch.setattr(keyed, "may_ask", lambda value: False)
    given = {"key": 5, "name": "w", "offset": (2, 1), "within": (9, 7), "dtype": dtype, **given_of(law)}
    found = getattr(ours, law)((4, 3), 0.1, **given).double().numpy()
    wanted = getattr(on_numpy, law)((4, 3), 0.1, **given).astype(np.float64)
    unit = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}[dtype]
    assert torch is not None
    assert np.all(np.abs(found - wanted) <= (0 if law == "keyed_uniform" else 4 * unit * np.abs(wanted)))


FAR = [((2**32 - 3,), (2**33,), (10,)), ((2**53 - 1,), (2**54,), (9,)), ((2**61 + 1,), (2**62 - 2,), (7,)),
       ((3, 2**40 - 2), (8, 2**40), (4, 2))]  # fmt: skip


@pytest.mark.parametrize(("corner", "whole", "shape"), FAR)
def test_places_beyond_32_and_53_bits(law, dtype, corner, whole, shape, monkeypatch):
    pytest.importorskip("torch")
    import varlaw.impl.torch as ours
    from varlaw.impl.torch import keyed

    given = {"key": 5, "name": "w", "offset": corner, "within": whole, "dtype": dtype, **given_of(law)}
    wanted = getattr(on_numpy, law)(shape, 0.3, **given).astype(np.float64)
    monkeypatch.setattr(keyed, "may_ask", lambda value: False)
    found = getattr(ours, law)(shape, 0.3, **given).double().numpy()
    unit = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}[dtype]
    assert np.all(np.abs(found - wanted) <= (0 if law == "keyed_uniform" else 4 * unit * np.abs(wanted)))
    assert np.unique(wanted).size > shape[0] // 2


def test_names_and_keys_make_streams(backend, law):
    first = draw(backend, law, 100)
    assert np.array_equal(first, draw(backend, law, 100))
    assert not np.any(first == draw(backend, law, 100, name="layer.bias"))
    assert not np.any(first == draw(backend, law, 100, key=6))


def test_uniform_keeps_its_bound_and_out_its_strides(backend, dtype):
    out = backend.make(np.zeros((40, 60)), dtype)[:, ::2].T
    assert backend.keyed_uniform((30, 40), 0.1, key=1, name="w", out=out) is out
    fresh = backend.wide(backend.keyed_uniform((30, 40), 0.1, key=1, name="w", dtype=dtype))
    assert np.array_equal(backend.wide(out), fresh)
    assert abs(fresh).max() <= backend.wide(backend.make(0.1, dtype))


def test_devices_and_meta_follow_the_same_path(law):
    torch = pytest.importorskip("torch")
    from torch._subclasses.fake_tensor import FakeTensorMode

    import varlaw.impl.torch as ours

    with FakeTensorMode():
        for dtype in (torch.float64, torch.float32, torch.bfloat16):
            assert (
                getattr(ours, law)(
                    (4, 3), 0.1, key=5, name="w", dtype=dtype, device="cuda", **given_of(law)
                ).device.type
                == "cuda"
            )
    assert getattr(ours, law)((4, 3), 0.1, key=5, name="w", device="meta", **given_of(law)).is_meta


ERRORS = {
    "key as text": (TypeError, "key='5'", {"key": "5"}),
    "negative key": (ValueError, "key=-1", {"key": -1}),
    "name as a number": (TypeError, "name=5", {"name": 5}),
    "offset of another rank": (ValueError, "offset", {"offset": (1,)}),
    "slice outside": (ValueError, "inside the whole", {"offset": (1, 0), "within": (2, 2)}),
    "whole too large": (ValueError, "2\\*\\*62", {"within": (2**31, 2**31)}),
}


@pytest.mark.parametrize("case", ERRORS.values(), ids=ERRORS.keys())
def test_bad_input_is_refused_in_one_line(backend, law, case):
    kind, words, given = case
    with pytest.raises(kind, match=words) as caught:
        draw(backend, law, (2, 2), **given)
    assert "\n" not in str(caught.value)


def test_largest_normal_is_as_far_as_its_bits_reach():
    assert math.sqrt(-2 * math.log(0.5 * 2.0**-32)) > 6.7
