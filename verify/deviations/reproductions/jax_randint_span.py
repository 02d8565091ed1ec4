# jax-randint-span
# randint of a range of 3 * 2^29 favours its first two thirds by one half
import jax

x = jax.random.randint(jax.random.key(0), (1 << 20,), 0, 3 << 29)
print(f"{(x < 1 << 30).mean():.4f} below 2^30, where 2/3 should lie")
# 0.7497 below 2^30, where 2/3 should lie
