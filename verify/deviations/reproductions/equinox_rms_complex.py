# equinox-rms-norm-complex
# RMS norm of complex numbers: the squares of 1 and i cancel, and entries of modulus 1 come out with modulus 316
import equinox as eqx
import jax.numpy as jnp

print(round(float(abs(eqx.nn.RMSNorm(2)(jnp.array([1.0, 1j]))).max()), 1))
# 316.2
