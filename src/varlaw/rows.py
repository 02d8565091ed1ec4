"""Builders of rows: what is yours becomes a subject of `varlaw verify`, as the frameworks' own layers are.

A library lists them under an entry point, a project in a file that its pyproject.toml names ([tool.varlaw] subjects).
"""

from varlaw.claims.own import claim
from varlaw.subjects.builders.layers import initialiser, layer
from varlaw.subjects.builders.models import model
from varlaw.verify.own.activations import activation
from varlaw.verify.own.norm_row import norm
from varlaw.verify.own.rows import clipper, dropout, loss

__all__ = ["activation", "claim", "clipper", "dropout", "initialiser", "layer", "loss", "model", "norm"]
