"""Numbers that have no closed form, to the last digits: quadrature, tails, means of many terms."""
