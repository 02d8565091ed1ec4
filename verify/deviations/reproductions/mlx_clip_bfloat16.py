# mlx-clip-bfloat16
# The norm of a thousand bfloat16 gradients is a third too small
import mlx.core as mx
from mlx.optimizers import clip_grad_norm

grads = {str(i): mx.full((3,), 0.02, dtype=mx.bfloat16) for i in range(1000)}
_, norm = clip_grad_norm(grads, 1.0)
print(f"norm: {norm.item():.3f}, exactly {(3000 * 0.02001953125**2) ** 0.5:.3f}")
# norm: 0.707, exactly 1.097
