"""Watching a training run: what is wrong with it, since which step, and how often such a statement is wrong.

`tracker`, `detectors`, `spikes`, `trends` and `shares` decide, on plain numbers; `judge` feeds them one step after
another; `journal` is the file of a run; `watch` joins them to what `diagnose.torch` reads of a model and its optimiser.
The null of a statement of change is a speed limit, not stillness: a model that learns moves.
"""
