# optax-rprop-late
# rprop returns the update of the call before
import jax.numpy as jnp
import optax

rprop = optax.rprop(learning_rate=0.1, eta_plus=1.2)
w = jnp.zeros(1)
state = rprop.init(w)
for gradient in (1.0, 1.0, 1.0, -1.0):
    update, state = rprop.update(jnp.array([gradient]), state, w)
    print(f"gradient {gradient:+.0f}: update {float(update[0]) + 0.0:+.3f}")
# gradient +1: update +0.000
# gradient +1: update -0.100
# gradient +1: update -0.120
# gradient -1: update +0.000
