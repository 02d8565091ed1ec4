# flax-running-var-float32, flax-nnx-running-mean-float32
# Running statistics of float64 layers are float32 at birth, and in nnx for good
import flax.linen as nn
import jax
import jax.numpy as jnp
from flax import nnx

with jax.enable_x64(True):
    x = jnp.array([[1.0], [3.0]])  # of mean 2 and variance 1: one step should give 0.2 and 1
    layer = nn.BatchNorm(use_running_average=False, momentum=0.9, param_dtype=jnp.float64)
    _, moved = layer.apply(layer.init(jax.random.key(0), x), x, mutable="batch_stats")
    print("linen: variance", float(moved["batch_stats"]["var"][0]))
    layer = nnx.BatchNorm(1, momentum=0.9, param_dtype=jnp.float64, rngs=nnx.Rngs(0))
    layer(x)
    print("nnx: mean", float(layer.mean[0]), layer.mean.dtype)
# linen: variance 0.9999999761581421
# nnx: mean 0.20000000298023224 float32
