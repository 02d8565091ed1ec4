# equinox-batch-var
# After one step of training, evaluation divides by ten times the std
import equinox as eqx
import jax

norm, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(1, axis_name="batch", mode="batch")
x = 10 + jax.random.normal(jax.random.key(0), (1000, 1))
_, state = jax.vmap(norm, axis_name="batch", in_axes=(0, None), out_axes=(0, None))(x, state)
y, _ = jax.vmap(eqx.nn.inference_mode(norm), axis_name="batch", in_axes=(0, None), out_axes=(0, None))(x, state)
print("after one step, evaluation has std", round(float(y.std()), 3))
# after one step, evaluation has std 0.098
