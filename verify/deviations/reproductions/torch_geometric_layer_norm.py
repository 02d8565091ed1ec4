# torch-geometric-layer-norm-eps
# LayerNorm of one graph, with and without `batch`
import torch
from torch_geometric.nn import LayerNorm

norm = LayerNorm(4, eps=1e-5)
x = 1e-3 * torch.tensor([[1.0, -1.0, 1.0, -1.0], [-1.0, 1.0, -1.0, 1.0]])
one_graph = norm(x, torch.zeros(2, dtype=torch.long))
print(f"with batch: {one_graph.abs().max().item():.4f}; without: {norm(x).abs().max().item():.4f}")
# with batch: 0.3015; without: 0.9901
