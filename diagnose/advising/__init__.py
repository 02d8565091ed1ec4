"""What to do about a model: an initialisation derived from laws layer by layer, and a trial that it helps.

`advise.advised` is the way in. `following` reads what each map feeds, `profile` says what the laws make of given
weights, `targets` what each map should make, `deriving` chooses weights on that way, `scope` says which findings ask
for it and `roles` what keeps its values, `rules` writes a recipe for `initialise`; `trying` decides by pairs of short
runs. `calibrating` goes by measurement where no law has an answer.
"""
