"""A watch for those whose training loop is somebody else's: Lightning, the Trainer of transformers, Keras.

Each takes the options of `varlaw.watch` and has the run as `run`. Accelerate needs none: `varlaw.watch` takes what
`accelerator.prepare` gives, and `log=accelerator.log`.
"""
