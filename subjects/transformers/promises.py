"""Parameters whose documented law is not the library's general one: glob over their names -> role and law."""

from collections.abc import Mapping

from varlaw.subjects.subject import Role

# "Scale the weights of residual layers at initialization by a factor of 1/sqrt(N) where N is the # of residual layers."
_OF_N_LAYER = Role(role="residual", documented="Normal(std/sqrt(2*n_layer))")
_OF_LAYERS = Role(role="residual", documented="Normal(std/sqrt(2*num_hidden_layers))")

PROMISES: Mapping[str, Mapping[str, Role]] = {
    **dict.fromkeys(("gpt2", "gpt-sw3", "gpt_bigcode", "imagegpt", "decision_transformer"), {"*c_proj.weight": _OF_N_LAYER}),
    **dict.fromkeys(("clvp", "clvp_decoder"), {"*.mlp.c_proj.weight": _OF_LAYERS}),
    "nanochat": {"*.o_proj.weight": _OF_LAYERS},
}
