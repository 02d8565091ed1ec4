"""Rows in a few words: a layer, an initialiser, a model of any array library becomes a subject with its promises."""
