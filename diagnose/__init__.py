"""Is my model well set up before its first step? Its parameters, signals, gradients and first loss, held against laws.

`check.check_model` is the way in. `torch/` sees: how a model is built and what one pass of it does, with no names and
no guesses about the architecture, written down as plain `records`. `structure` reads the graph of such a record;
`parameters`, `passage`, `flow`, `losses` and `wiring` judge it, without torch; `signals` is the table of the words that
they use. `advising/` says what to do about it, and tries it; `watching/` looks on while a model learns.
"""
