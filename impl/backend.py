"""What the rules need of an array library: a backend is one class that has these few things.

The rules themselves (`varlaw.impl.initialisers`, `weights`, `norm_gradients`) are written once, as methods of classes
that extend `Backend`; `varlaw.impl.numpy.backend` and `varlaw.impl.torch.backend` supply what is abstract here, and a
third library needs one such file. What another algorithm makes fast differs per library and stays there: random
streams, the norms of rows, clipping.

`where` is always the name of the public function, for the error that refuses an argument. `Any` is an array in which a
rule computes, as against one that the caller sees. Rules use of it only operators, `reshape`, `shape`, and `sum` and
`mean` with `axis` and `keepdims`, which NumPy and torch spell alike.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from varlaw.impl.arguments import refuse
from varlaw.impl.grouping import Rows
from varlaw.impl.keyed_streams import Address
from varlaw.impl.truncation import Cut


class Shaped(Protocol):
    """What every array tells of itself."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def ndim(self) -> int: ...


Array = TypeVar("Array", bound=Shaped)
Seed = TypeVar("Seed")  # a whole number or a generator of the library
DType = TypeVar("DType")  # a name, or the library's object
Device = TypeVar("Device")
Shape: TypeAlias = int | Sequence[int]
Restore: TypeAlias = Callable[[Any], Any]


class Backend(ABC, Generic[Array, Seed, DType, Device]):
    """One array library, as the rules see it."""

    # -- arrays --------------------------------------------------------------------------------------------------------

    @abstractmethod
    def array(
        self,
        shape: Shape,
        dtype: DType | None,
        device: Device | None,
        out: Array | None,
        where: str,
        seed: Seed | None = None,
    ) -> Array:
        """The array to fill: `out` when it fits, a new one otherwise; refuses all that is wrong with these."""

    @abstractmethod
    def float_array(self, name: str, given: Array, where: str) -> Array:
        """`given`, when it is an array of one of the four dtypes."""

    @abstractmethod
    def home(self, array: Array) -> tuple[Any, Any]:
        """Its dtype and device, as `array` takes them."""

    @abstractmethod
    def largest(self, array: Array) -> tuple[float, str]:
        """The largest finite number of its dtype, and the dtype's name."""

    @abstractmethod
    def fill(self, target: Array, value: float) -> Array:
        """Write one number everywhere."""

    @abstractmethod
    def write(self, target: Array, values: Any) -> Array:
        """Cast and copy values into an array."""

    @abstractmethod
    def part(self, target: Array, index: Any) -> Array:
        """A view that can be filled and written to."""

    @abstractmethod
    def fill_diagonal(self, matrix: Array, value: float) -> None:
        """Write one number on the diagonal."""

    def representable(self, name: str, value: float, target: Array, where: str) -> None:
        """Refuse a scale that the dtype of `target` cannot hold."""
        most, kind = self.largest(target)
        if abs(value) > most:
            refuse(name, value, f"at most {most:g}, the largest {kind}", where)

    def reachable(self, found: Cut, target: Array, where: str) -> None:
        """Refuse a cut of which the dtype of `target` cannot hold the parent's sigma, or any number."""
        self.representable("std", found.sigma, target, where)
        self.representable("low, high", found.sigma * min(max(0.0, found.low), found.high), target, where)

    # -- draws ---------------------------------------------------------------------------------------------------------

    @abstractmethod
    def stream(self, seed: Seed, like: Array, where: str) -> Any:
        """A seed for several draws in turn, where `like` lies."""

    @abstractmethod
    def fill_uniform(self, target: Array, bound: float, seed: Seed, where: str) -> Array:
        """U(-bound, bound), never beyond the rounded bound; refuses a bound that the dtype cannot hold."""

    @abstractmethod
    def fill_normal(self, target: Array, std: float, seed: Seed, where: str) -> Array:
        """N(0, std**2); refuses a std that the dtype cannot hold."""

    @abstractmethod
    def fill_between(self, target: Array, found: Cut, seed: Seed, where: str) -> Array:
        """The truncated normal of a cut, which is reachable."""

    @abstractmethod
    def fill_keyed_uniform(self, target: Array, bound: float, address: Address) -> Array:
        """U(-bound, bound) at an address (see `varlaw.impl.keyed_streams`)."""

    @abstractmethod
    def fill_keyed_normal(self, target: Array, std: float, address: Address) -> Array:
        """N(0, std**2) at an address."""

    @abstractmethod
    def fill_keyed_between(self, target: Array, found: Cut, address: Address) -> Array:
        """The truncated normal of a cut, at an address."""

    @abstractmethod
    def haar(self, rows: int, cols: int, gain: float, like: Array, seed: Seed, where: str) -> Any:
        """gain times a matrix with orthonormal columns (rows, if it is wide), uniform among all such."""

    @abstractmethod
    def zero_in_columns(self, target: Array, count: int, seed: Any) -> None:
        """Set `count` entries of each column to zero, at places drawn without replacement."""

    @abstractmethod
    def logs_between(self, low: float, high: float, count: int, seed: Seed, like: Array, where: str) -> Any:
        """Logarithms of float64 uniform draws on [low, high]."""

    # -- arithmetic ----------------------------------------------------------------------------------------------------

    @abstractmethod
    def wide(self, array: Any) -> Any:
        """Its values in float64."""

    @abstractmethod
    def constant_wide(self, array: Any) -> Any:
        """Its values in float64, which no gradient is asked of."""

    @abstractmethod
    def empty_wide(self, shape: tuple[int, ...], like: Array) -> Array:
        """A new float64 array where `like` lies."""

    @abstractmethod
    def cast(self, values: Any, like: Array) -> Any:
        """Values in the dtype of `like`."""

    @abstractmethod
    def quiet(self) -> AbstractContextManager[Any]:
        """No warnings of overflow and of operations without a result."""

    @abstractmethod
    def nonfinite(self, array: Array) -> int:
        """How many entries are not finite; 0 where asking would wait for a device."""

    @abstractmethod
    def peaks(self, rows: Any) -> Any:
        """The size of the largest entry of each row."""

    @abstractmethod
    def zero_among(self, peaks: Any) -> int | None:
        """The place of a zero, or None where there is none or asking would wait for a device."""

    @abstractmethod
    def powers(self, peaks: Any) -> Any:
        """Powers of two near 1 / peak; 1 for a peak that is not finite."""

    # -- norms ---------------------------------------------------------------------------------------------------------

    layer_norm: Callable[..., Any]

    @abstractmethod
    def checked(self, x: Array, eps: float, where: str) -> tuple[Array, float]:
        """The input and the eps of a norm, refused where no norm takes them."""

    @abstractmethod
    def over_axes(self, x: Any, axes: Any, where: str) -> tuple[Any, Rows, Restore, tuple[int, ...]]:
        """The normalised axes of each sample as rows of a matrix, the way back, and the sizes of those axes."""

    @abstractmethod
    def over_channels(self, x: Any, groups: int, where: str) -> tuple[Any, Rows, Restore]:
        """The groups of channels of each sample as rows, and the way back."""

    @abstractmethod
    def over_batch(self, x: Any, where: str) -> tuple[Any, Rows, Restore]:
        """The channels over batch and positions as rows, and the way back."""

    @abstractmethod
    def accurate(self, values: Any, rows: Any) -> Any:
        """Values in the dtype in which gradients of these rows are computed."""

    @abstractmethod
    def standardised(self, rows: Any, eps: float, centred: bool) -> tuple[Any, Any]:
        """Rows with mean 0 (if centred) and mean square 1, and the scale of each, in the dtype of `accurate`."""
