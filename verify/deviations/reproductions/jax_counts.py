# jax-counts-32-bits
# Counts stop at 2^31 - 1 without a word
import jax

key = jax.random.key(0)
print("Poisson(1e10):", jax.random.poisson(key, 1e10, (3,)))
waits = jax.random.geometric(key, 1e-9, (100_000,))
print(
    f"waiting times at p = 1e-9: the longest {int(waits.max())}, mean {float(waits.astype(float).mean()):.2e} for 1e9"
)
# Poisson(1e10): [2147483647 2147483647 2147483647]
# waiting times at p = 1e-9: the longest 2147483647, mean 8.85e+08 for 1e9
