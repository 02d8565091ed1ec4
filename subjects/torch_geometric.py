"""PyTorch Geometric: the initialisers under its layers, dense layers, graph convolutions and norms, as rows.

Layers are torch modules whose constructors take no dtype: they are created in the default one. A norm takes nodes and
the graph that each belongs to: here every (batch, channel) or every batch entry is a graph, as the norm's law asks.
"""

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from varlaw.subjects.boundary import of_stream
from varlaw.subjects.defaults import constants_of
from varlaw.subjects.modules import default_dtype
from varlaw.subjects.namespace import Namespace, called
from varlaw.subjects.norm_rows import Call, norm
from varlaw.subjects.rows import AFFINE, ONES, ZEROS, normaliser, sampler
from varlaw.subjects.subject import Case, Norm, Normaliser, Sampler, Subject
from varlaw.subjects.torch.framework import STREAM, TORCH, place

__all__ = ["LEFT_OUT", "PUBLIC", "SUBJECTS"]


def _geometric() -> Any:
    """The library; on import it warns of torch.jit.script, which is no business of a measurement."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch_geometric.nn

    return torch_geometric


def version() -> str:
    """Its own version; ImportError when it, or torch, is not installed."""
    return str(_geometric().__version__)


@contextmanager
def _place(dtype: str, device: str) -> Iterator[None]:
    with place(dtype, device), default_dtype(dtype):
        yield


_DRAWS, _CHANCE = of_stream(STREAM, _place)
GEOMETRIC = replace(
    TORCH, name="torch_geometric", version=version, devices=lambda: ("cpu",), draws=_DRAWS, chance=_CHANCE, place=_place
)


def _nn() -> Any:
    return _geometric().nn


NN = Namespace(
    of=GEOMETRIC,
    name="torch_geometric.nn",
    find=_nn,
    parameters=lambda layer, dtype: {n: p.detach() for n, p in layer.named_parameters()},
)

# -- initialisers ------------------------------------------------------------------------------------------------------


def _fill(name: str, op: str, law: str, arguments: Callable[[Case], Mapping[str, Any]] = lambda c: {}) -> Sampler:
    """A function of nn.inits, called on an empty tensor."""

    def build(case: Case, dtype: str, device: str) -> Mapping[str, Any]:
        import torch

        shape = case["shape"] if "shape" in case else (case["out_features"], case["in_features"])
        weight = torch.empty(shape)
        getattr(_nn().inits, name)(value=weight, **arguments(case))
        return {"": weight}

    return sampler(GEOMETRIC, f"torch_geometric.nn.inits.{name}", op, build, {"": law})


INITIALISERS: tuple[Sampler, ...] = (
    _fill("uniform", "linear", "Uniform(1/sqrt(in_features))", lambda c: {"size": c["in_features"]}),
    _fill("kaiming_uniform", "linear", "he_uniform(in_features)", lambda c: {"fan": c["in_features"], "a": 0.0}),
    _fill("glorot", "linear", "glorot_uniform(in_features, out_features)"),
    _fill("normal", "shape", "Normal(scale)", lambda c: {"mean": 0.0, "std": c["scale"]}),
    _fill("constant", "shape", "Constant(scale)", lambda c: {"fill_value": c["scale"]}),
    _fill("zeros", "shape", ZEROS),
)

# -- layers ------------------------------------------------------------------------------------------------------------

_SIZES = ("in_features", "out_features")
_DEFAULT = "Uniform(1/sqrt(in_features))"
_GLOROT = "glorot_uniform(in_features, out_features)"


def _linear(weight: str, variant: str = "", **options: Any) -> Sampler:
    tensors = {"weight": weight, "bias": _DEFAULT}
    make = called("Linear", *_SIZES, **options)
    return NN.layer(f"Linear{variant}", "linear", make, tensors, inputs=("in_features",), layout="torch.linear")


def _typed() -> Sampler:
    """A matrix for each of three types, stored (types, in, out)."""

    def make(nn: Any, c: Case, f: Mapping[str, Any]) -> Any:
        return nn.HeteroLinear(c["in_features"], c["out_features"], num_types=3)

    return NN.layer("HeteroLinear", "linear", make, {"weight": _DEFAULT, "bias": _DEFAULT})


def _graph(name: str, tensors: Mapping[str, str], **options: Any) -> Sampler:
    """A graph convolution; its source draws `tensors` so, and its documentation names no law."""
    return NN.layer(name, "linear", called(name, *_SIZES, **options), tensors)


_SUMMED = {"lin_rel.weight": _DEFAULT, "lin_rel.bias": _DEFAULT, "lin_root.weight": _DEFAULT}
_NEIGHBOURS = {"lin_l.weight": _DEFAULT, "lin_l.bias": _DEFAULT, "lin_r.weight": _DEFAULT}
_HEAD = "glorot_uniform(1, out_features)"  # of one head: an attention vector is stored (1, heads, out)

LAYERS: tuple[Sampler, ...] = (
    _linear(_DEFAULT),
    _linear(_GLOROT, "(glorot)", weight_initializer="glorot"),
    _linear(_DEFAULT, "(kaiming_uniform)", weight_initializer="kaiming_uniform"),
    _linear(_DEFAULT, "(uniform)", weight_initializer="uniform"),
    _typed(),
    _graph("GCNConv", {"lin.weight": _GLOROT, "bias": ZEROS}),
    _graph("ChebConv", {**{f"lins.{k}.weight": _GLOROT for k in range(3)}, "bias": ZEROS}, K=3),
    _graph("SAGEConv", _NEIGHBOURS),
    _graph("GraphConv", _SUMMED),
    _graph("GATConv", {"lin.weight": _GLOROT, "att_src": _HEAD, "att_dst": _HEAD, "bias": ZEROS}),
    _graph("DenseGCNConv", {"lin.weight": _GLOROT, "bias": ZEROS}),
    _graph("DenseSAGEConv", {"lin_rel.weight": _DEFAULT, "lin_root.weight": _DEFAULT, "lin_root.bias": _DEFAULT}),
    _graph("DenseGraphConv", _SUMMED),
    NN.simple("LayerNorm", "features", AFFINE, "num_features"),
    NN.simple("GraphNorm", "features", {**AFFINE, "mean_scale": ONES}, "num_features"),
)

# -- norms -------------------------------------------------------------------------------------------------------------


def _nodes(x: Any) -> tuple[Any, Any]:
    """Each (batch, channel) as a graph of nodes with one feature: nodes, and the graph of each."""
    import torch

    sets = x.reshape(-1, x.shape[-1])
    return x.reshape(-1, 1), torch.arange(len(sets)).repeat_interleave(x.shape[-1])


def _channels(x: Any) -> tuple[Any, Any]:
    """Each batch entry as a graph whose nodes have the channels for features."""
    import torch

    return x.transpose(1, 2).reshape(-1, x.shape[1]), torch.arange(len(x)).repeat_interleave(x.shape[2])


def _back(y: Any, x: Any) -> Any:
    return y.reshape(len(x), x.shape[2], x.shape[1]).transpose(1, 2)


def _row(name: str, op: str, call: Call, **rest: Any) -> Norm:
    return norm(GEOMETRIC, f"torch_geometric.nn.{name}.forward", op, call, **rest)


def _of_graphs(x: Any, case: Case) -> Any:
    nodes, graphs = _nodes(x)
    return _nn().LayerNorm(1, **constants_of(case, eps="eps"))(nodes, graphs).reshape(x.shape)


def _one_by_one(x: Any, case: Case) -> Any:
    """Without `batch` the nodes are one graph."""
    import torch

    layer = _nn().LayerNorm(1, **constants_of(case, eps="eps"))
    return torch.stack([layer(one[:, None]) for one in x.reshape(-1, x.shape[-1])]).reshape(x.shape)


def _of_nodes(x: Any, case: Case) -> Any:
    return _nn().LayerNorm(x.shape[-1], mode="node", **constants_of(case, eps="eps"))(x)


def _per_channel(name: str) -> Call:
    def call(x: Any, case: Case) -> Any:
        nodes, graphs = _channels(x)
        return _back(getattr(_nn(), name)(x.shape[1], **constants_of(case, eps="eps"))(nodes, graphs), x)

    return call


def _batch(x: Any, case: Case) -> Any:
    layer = _nn().BatchNorm(x.shape[1], **constants_of(case, eps="eps", momentum="momentum"))
    for _ in range(case.get("steps", 1)):
        y = _back(layer(_channels(x)[0]), x)
    return y, layer.module.running_mean, layer.module.running_var


NORMS: tuple[Norm, ...] = (
    _row("LayerNorm", "layer_norm", _of_graphs),
    _row("LayerNorm(one graph)", "layer_norm", _one_by_one),
    _row("LayerNorm(mode=node)", "layer_norm", _of_nodes),
    _row("InstanceNorm", "instance_norm", _per_channel("InstanceNorm")),
    _row("GraphNorm", "instance_norm", _per_channel("GraphNorm")),
    _row("BatchNorm", "batch_norm", _batch, steps=True),
)


def _message(x: Any, key: Any) -> Any:
    """A message takes the length of the node that it reaches, here 1."""
    return _nn().MessageNorm()(x.new_ones(1, 1), x[None])[0]


NORMALISERS: tuple[Normaliser, ...] = (
    normaliser(GEOMETRIC, "torch_geometric.nn.MessageNorm.forward", "normalise", _message),
)

SUBJECTS: tuple[Subject, ...] = (*INITIALISERS, *LAYERS, *NORMS, *NORMALISERS)

# -- what there is -----------------------------------------------------------------------------------------------------


def PUBLIC() -> Iterator[str]:
    """The functions of nn.inits, and every norm, dense layer and graph convolution."""
    nn = _nn()
    yield from (f"torch_geometric.nn.inits.{n}" for n, f in vars(nn.inits).items() if inspect.isfunction(f))
    yield from (f"torch_geometric.nn.{n}" for module in (nn.norm, nn.dense, nn.conv) for n in module.__all__)


_OF_ROWS = "passes messages between layers that are drawn as torch_geometric.nn.Linear and the initialisers are"
_POOLS = "pools graphs by an assignment that it is given or that a linear layer makes"
_CONVOLUTIONS = (
    *("MessagePassing", "SimpleConv", "CuGraph*", "GravNetConv", "GatedGraphConv", "ResGatedGraphConv", "FusedGATConv"),
    *("GATv2Conv", "TransformerConv", "AGNNConv", "TAGConv", "*GIN*Conv", "ARMAConv", "SGConv", "SSGConv", "APPNP"),
    *("MFConv", "*RGCNConv", "RGATConv", "SignedConv", "DNAConv", "Point*Conv", "GMMConv", "SplineConv", "NNConv"),
    *("CGConv", "*EdgeConv", "XConv", "PPFConv", "FeaStConv", "HypergraphConv", "LEConv", "PNAConv", "ClusterGCNConv"),
    *("GENConv", "GCN2Conv", "PANConv", "WLConv*", "FiLMConv", "SuperGATConv", "FAConv", "EGConv", "PDNConv"),
    *("GeneralConv", "HGTConv", "HEATConv", "HeteroConv", "HANConv", "LGConv", "GPSConv", "AntiSymmetricConv"),
    *("DirGNNConv", "MixHopConv", "MeshCNNConv", "DenseGATConv"),
)
LEFT_OUT: Mapping[str, str] = {
    **dict.fromkeys((f"torch_geometric.nn.{n}" for n in _CONVOLUTIONS), _OF_ROWS),
    **dict.fromkeys((f"torch_geometric.nn.{n}" for n in ("dense_*_pool", "DMoNPooling")), _POOLS),
    "torch_geometric.nn.inits.ones": "the function constant, which has a row, at 1",
    "torch_geometric.nn.inits.reset": "calls reset_parameters of the modules that it is given",
    "torch_geometric.nn.inits.glorot_orthogonal": "divides by the variance that it measures of each matrix",
    "torch_geometric.nn.HeteroDictLinear": "holds one Linear for each type",
    "torch_geometric.nn.Hetero*Norm": "the norm of its plain name, which has a row, for each type",
    "torch_geometric.nn.GraphSizeNorm": "divides by the root of the number of nodes, whatever the numbers are",
    "torch_geometric.nn.MeanSubtractionNorm": "subtracts a mean and divides by nothing",
    "torch_geometric.nn.PairNorm": "scales all nodes together, so that the mean of their squared norms is 1",
    "torch_geometric.nn.DiffGroupNorm": "adds 0.01 batch norms of learnt groups to what it is given",
}
