"""Keyed draws: values addressed by key, name and place, the same on every device and for every slice.

Uniform values agree between backends bit for bit, normal ones to a few units in the last place. The addresses are
described in `varlaw.impl.keyed_streams`.
"""

from varlaw.impl.arguments import number
from varlaw.impl.backend import Array, Backend, Device, DType, Seed, Shape
from varlaw.impl.keyed_streams import address_of
from varlaw.impl.truncation import cut


class KeyedDraws(Backend[Array, Seed, DType, Device]):
    """Draws of which any slice can be drawn on its own."""

    def keyed_uniform(
        self,
        shape: Shape,
        bound: float,
        *,
        key: int,
        name: str,
        offset: Shape | None = None,
        within: Shape | None = None,
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """U(-bound, bound) at an address.

        shape: sizes of the slice.
        bound: the largest size of a weight.
        key: an int in [0, 2**64), the model's.
        name: of the parameter.
        offset: corner of the slice in the whole parameter; by default the origin.
        within: shape of the whole parameter; by default that of the slice.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import keyed_uniform
        >>> whole = keyed_uniform((4, 6), 1.0, key=7, name="w")
        >>> part = keyed_uniform((2, 3), 1.0, key=7, name="w", offset=(1, 2), within=(4, 6))
        >>> bool((part == whole[1:3, 2:5]).all())
        True
        """
        where = "keyed_uniform"
        size = number("bound", bound, where, low=0.0)
        target = self.array(shape, dtype, device, out, where)
        self.representable("bound", size, target, where)
        return self.fill_keyed_uniform(target, size, address_of(key, name, tuple(target.shape), offset, within, where))

    def keyed_normal(
        self,
        shape: Shape,
        std: float,
        *,
        key: int,
        name: str,
        offset: Shape | None = None,
        within: Shape | None = None,
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """N(0, std**2) at an address.

        shape: sizes of the slice.
        std: standard deviation of one weight.
        key: an int in [0, 2**64), the model's.
        name: of the parameter.
        offset: corner of the slice in the whole parameter; by default the origin.
        within: shape of the whole parameter; by default that of the slice.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import keyed_normal
        >>> keyed_normal((2, 3), 1.0, key=7, name="w").shape
        (2, 3)
        """
        where = "keyed_normal"
        size = number("std", std, where, low=0.0)
        target = self.array(shape, dtype, device, out, where)
        self.representable("std", size, target, where)
        return self.fill_keyed_normal(target, size, address_of(key, name, tuple(target.shape), offset, within, where))

    def keyed_truncated_normal(
        self,
        shape: Shape,
        std: float,
        low: float = -2.0,
        high: float = 2.0,
        *,
        std_of: str,
        bounds: str,
        key: int,
        name: str,
        offset: Shape | None = None,
        within: Shape | None = None,
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """A normal kept in [low, high], at an address: the quantile of the float64 uniform there.

        shape: sizes of the slice.
        std, low, high, std_of, bounds: as in `truncated_normal`.
        key: an int in [0, 2**64), the model's.
        name: of the parameter.
        offset: corner of the slice in the whole parameter; by default the origin.
        within: shape of the whole parameter; by default that of the slice.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import keyed_truncated_normal
        >>> w = keyed_truncated_normal(9, 1.0, std_of="parent", bounds="sigmas", key=7, name="w")
        >>> bool(abs(w).max() <= 2)
        True
        """
        where = "keyed_truncated_normal"
        found = cut(std, low, high, std_of=std_of, bounds=bounds, where=where)
        target = self.array(shape, dtype, device, out, where)
        self.reachable(found, target, where)
        return self.fill_keyed_between(target, found, address_of(key, name, tuple(target.shape), offset, within, where))
