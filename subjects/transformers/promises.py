"""Parameters whose documented law is not the library's general one: glob over their names -> role and law."""

from collections.abc import Mapping

from varlaw.subjects.subject import Role

# "Scale the weights of residual layers at initialization by a factor of 1/sqrt(N) where N is the # of residual layers."
_OF_N_LAYER = Role(role="residual", documented="Normal(std/sqrt(2*n_layer))")
_OF_LAYERS = Role(role="residual", documented="Normal(std/sqrt(2*num_hidden_layers))")

_GPT2 = {"*c_proj.weight": _OF_N_LAYER}
_CLVP = {"*.mlp.c_proj.weight": _OF_LAYERS}

PROMISES: Mapping[str, Mapping[str, Role]] = {
    "clvp": _CLVP,
    "clvp_decoder": _CLVP,
    "decision_transformer": _GPT2,
    "gpt-sw3": _GPT2,
    "gpt2": _GPT2,
    "gpt_bigcode": _GPT2,
    "imagegpt": _GPT2,
    "nanochat": {"*.o_proj.weight": _OF_LAYERS},
}
